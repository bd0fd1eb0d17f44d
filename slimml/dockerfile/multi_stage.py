"""The multi-stage rewrite: what builds stays in a stage of its own, what runs begins anew and copies what was built.

The build stage is the file as it was, with a virtual environment for what pip installs. The last stage has the same
base (CUDA's runtime for its devel), the same variables and settings, the packages that something loads at run time,
and the environment and the application at the same paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.dockerfile.base_change import other_name
from slimml.dockerfile.edit import Edit
from slimml.dockerfile.editing import insert, remove
from slimml.dockerfile.packages import bare, packages
from slimml.dockerfile.requirements import installed
from slimml.dockerfile.spans import Span, decode, encode
from slimml.dockerfile.stage_split import Mingled, Split, split_stage

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.stages import Stage

_STAGE = "build"
_ENVIRONMENT = "/opt/venv"
_PYTHON_OF_APT = re.compile(
    r"(python3(?:\.\d+)?)(-(pip|venv|setuptools|wheel|dev|virtualenv|full|distutils|minimal))?|virtualenv"
)
_SAVES = {"build-essential": 270, "gcc": 150, "g++": 190, "git": 60, "cmake": 90, "clang": 600, "cargo": 400}
_MEGABYTE = 1_000_000
_MOVED = frozenset(
    {"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "VOLUME", "USER", "MAINTAINER"}
)
_FOR_INSTALLERS = re.compile(r"(PIP|UV|POETRY|CONDA|NPM)_")


@dataclass(frozen=True)
class Parted:
    """The edits that make two stages of one, what goes with the first, and about how many bytes that is."""

    edits: tuple[Edit, ...]
    building: tuple[str, ...]
    saves: int


def part(build: Build) -> Parted | None:
    """Two stages of the only one; None where nothing would be gained. Raises Mingled."""
    if len(build.stages) != 1:
        return None
    stage = build.final
    split = _worth_it(build, stage)
    if split is None:
        return None
    kept, building = _parted_packages(build, stage, split)
    if not building:
        return None
    _check_python(build, stage, split)
    first = max((one.span.end for one in split.building), default=0)
    environment = split.environment or (_ENVIRONMENT if split.first_pip else "")
    head = _head(build, stage, split, kept, environment, first)
    edits = [insert(stage.start.words[-1].span.end, f" AS {_STAGE}")]
    if split.first_pip is not None and not split.environment:
        lines = f"RUN python3 -m venv {_ENVIRONMENT}\nENV PATH={_ENVIRONMENT}/bin:$PATH\n"
        if any(name.startswith("python3-") and not _PYTHON_OF_APT.fullmatch(name) for name in kept):
            lines = lines.replace("-m venv", "-m venv --system-site-packages")
        edits.append(insert(split.first_pip.span.start, lines.replace("\n", build.document.newline.decode())))
    edits += [
        remove(one)
        for one in stage.instructions
        if one in split.only_users or (one.name in _MOVED and one.span.start < first)
    ]
    edits += _venv_package(build, stage, split, kept)
    edits.append(_inserted(build, first, head))
    saves = sum(_SAVES.get(bare(name), 12) for name in building) * _MEGABYTE
    return Parted(tuple(edits), tuple(building), saves)


def _inserted(build: Build, at: int, lines: list[str]) -> Edit:
    document, newline = build.document, build.document.newline.decode()
    text = newline + "".join(f"{line}{newline}" for line in lines)
    if not document.data[:at].endswith(b"\n"):
        text = newline + text.rstrip("\r\n")
    return Edit(Span(at, at), encode(text.replace("\r\n", "\n").replace("\n", newline)))


def _worth_it(build: Build, stage: Stage) -> Split | None:
    """The parts of a stage that installs what builds; None where there is nothing to part."""
    from slimml.dockerfile.installs import apt_installs

    table = packages()
    named = [word.text for _, script in build.scripts(stage) for one in apt_installs(script) for word in one.named]
    if not any(table.only_builds(name) for name in named):
        return None
    return split_stage(build, stage)


def _parted_packages(build: Build, stage: Stage, split: Split) -> tuple[list[str], list[str]]:
    """Packages of the last stage, and those that only the build stage has."""
    table = packages()
    kept: dict[str, None] = {}
    building: list[str] = []
    for name, _ in split.packages:
        plain = bare(name)
        python = _PYTHON_OF_APT.fullmatch(plain)
        libraries = table.libraries(plain) if table.only_builds(plain) else None
        if python:
            building.append(name)
            if _python(build, stage) != "venv":
                kept[python[1] or "python3"] = None
        elif table.only_builds(plain) and libraries is not None:
            building.append(name)
            kept |= dict.fromkeys(libraries)
        elif table.is_tool(plain) and not _called(build, stage, plain):
            building.append(name)
        else:
            # A -dev package that nobody knows the libraries of stays: it depends on them.
            kept[name] = None
    if not building:
        return list(kept), []
    for name, _ in installed(build, stage):
        kept |= dict.fromkeys(table.distributions.get(name, ()))
    names = {bare(name) for name, _ in split.packages}
    if _python(build, stage) == "venv":
        # Images of Python have certificates already.
        kept.pop("ca-certificates", None)
    elif names & set(table.recommended):
        kept["ca-certificates"] = None
    return [*kept, *sorted(build.needed - set(kept))], building


def _called(build: Build, stage: Stage, name: str) -> bool:
    """Whether what runs may call the program of a package, or load a distribution that does."""
    program = re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w.-])")
    for one in stage.instructions:
        if one.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK") and program.search(one.arguments.text):
            return True
    if name == "git" and any(distribution == "gitpython" for distribution, _ in installed(build, stage)):
        return True
    called = re.compile(
        rf"[\"'(\s;&|]{re.escape(name)}[\"']|^\s*{re.escape(name)}\s|[\"']{re.escape(name)}\s", re.MULTILINE
    )
    sources = (text for path, text in build.context.sources() if path.endswith((".py", ".sh", ".js")))
    return any(called.search(text) for text in sources)


def _check_python(build: Build, stage: Stage, split: Split) -> None:
    known = build.known(stage)
    python = _python(build, stage)
    names = {bare(name) for name, _ in split.packages}
    if split.first_pip is None:
        raise Mingled("pip installs nothing: what the last stage would copy is not known")
    if known is not None and known.base.system != "debian":
        raise Mingled("its system has no apt")
    if python == "venv":
        return
    if python == "package" and any(name.startswith("python3") for name in names):
        return
    raise Mingled(
        f"which Python {stage.base or 'its base'} has, and where, is not known: name it in a file for --bases"
    )


def _python(build: Build, stage: Stage) -> str:
    """Where Python is, as bases.toml says it; an unknown image that is called python has one with the module venv."""
    known = build.known(stage)
    if known is not None:
        return known.base.python
    return "venv" if re.search(r"(^|/)python(:|$)", stage.base or "") else ""


def _venv_package(build: Build, stage: Stage, split: Split, kept: list[str]) -> list[Edit]:
    """Debian's Python makes environments only with a package more."""
    from slimml.dockerfile.installs import apt_installs

    known = build.known(stage)
    if split.environment or known is None or known.base.python != "package":
        return []
    python = next((name for name in kept if re.fullmatch(r"python3(\.\d+)?", name)), "python3")
    if any(bare(name) == f"{python}-venv" for name, _ in split.packages):
        return []
    for _, script in build.scripts(stage):
        for one in apt_installs(script):
            if any(bare(word.text).startswith("python3") for word in one.named):
                return [insert(one.named[-1].span.end, f" {python}-venv")]
    return []


def _head(build: Build, stage: Stage, split: Split, kept: list[str], environment: str, first: int) -> list[str]:
    """The lines of the last stage up to what stands behind the build's last instruction."""
    lines = [f"FROM {_last_base(build, stage)}"]
    lines += _variables(build, stage, split, first)
    if kept or split.upgrades:
        upgrade = "apt-get upgrade -y && " if split.upgrades else ""
        install = f"apt-get install -y --no-install-recommends {' '.join(kept)}" if kept else "true"
        lines += [f"RUN apt-get update && {upgrade}{install} \\", "    && rm -rf /var/lib/apt/lists/*"]
    roots = dict.fromkeys([*([environment] if environment else []), *split.roots])
    outer = [root for root in roots if not any(root.startswith(f"{other}/") for other in roots)]
    whole = split.made or bool(split.owners)
    copied = [root for root in outer if whole or root == environment or environment.startswith(f"{root}/")]
    lines += _users(split, copied)
    for root in copied:
        owner = _owner(split, root)
        lines.append(f"COPY --from={_STAGE} {f'--chown={owner} ' if owner else ''}{root} {root}")
    lines += _replays(build, stage, split, copied, first)
    moved = [one for one in stage.instructions if one.name in _MOVED and one.span.start < first]
    return [*lines, *(decode(one.span.of(build.document.data)).rstrip("\r\n") for one in moved)]


def _last_base(build: Build, stage: Stage) -> str:
    word = stage.start.words[0].text
    platform = "".join(f"{flag.text} " for flag in stage.start.flags)
    known = build.named(stage)
    if known is not None and known.base.cuda == "devel":
        compiles = {name for name, _ in installed(build, stage)} & packages().run_compilers
        for smaller in known.base.smaller:
            name = other_name(stage, known, smaller)
            if name and smaller.edit and not compiles:
                return platform + name
    return platform + word


def _variables(build: Build, stage: Stage, split: Split, first: int) -> list[str]:
    lines = []
    for one in stage.instructions:
        if one is split.first_pip and not split.environment:
            lines.append(f"ENV PATH={_ENVIRONMENT}/bin:$PATH")
        if one.span.start < first and (
            one.name == "ENV" or (one.name == "ARG" and not _FOR_INSTALLERS.match(one.values[0]))
        ):
            lines.append(decode(one.span.of(build.document.data)).rstrip("\r\n"))
    return lines


def _users(split: Split, copied: list[str]) -> list[str]:
    """Users are made before anything is copied for them. A directory that COPY makes may be root's, so it is made."""
    commands = list(split.users)
    for root in copied:
        owner = _owner(split, root)
        if owner:
            commands.append(f"mkdir -p {root} && chown {owner} {root}")
    return [f"RUN {' && '.join(commands)}"] if commands else []


def _owner(split: Split, root: str) -> str:
    for path, owner in split.owners.items():
        if root == path or root.startswith(f"{path}/") or path == "/":
            return owner
    return ""


def _replays(build: Build, stage: Stage, split: Split, copied: list[str], first: int) -> list[str]:
    """What the last stage does as well, in the order of the file: directories, files of the context, the system."""
    from slimml.dockerfile.places import working_directory

    lines = []
    for one, text in split.replayed:
        if one.span.start >= first:
            continue
        if one.name in ("COPY", "ADD"):
            target = working_directory(stage, one) if not one.words[-1].text.startswith("/") else one.words[-1].text
            place = f"{target.rstrip('/')}/"
            if not one.flag("from") and any(place.startswith(f"{root}/") for root in copied):
                continue
            lines.append(text)
        else:
            lines.append(text if one.name == "WORKDIR" else f"RUN {text}")
    for path, owner in split.owners.items():
        if (
            path not in copied
            and any(path.startswith(f"{root}/") for root in copied)
            and not _owner(split, path.rpartition("/")[0])
        ):
            lines.append(f"RUN chown -R {owner} {path}")
    return lines
