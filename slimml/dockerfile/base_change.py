"""Another base image for a stage: the edit of its FROM, and the packages that the stage needs and it does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert, insert_lines, replace
from slimml.dockerfile.installs import apt_installs, apt_verb
from slimml.dockerfile.packages import bare, packages
from slimml.dockerfile.requirements import installed
from slimml.dockerfile.variables import expand

if TYPE_CHECKING:
    from slimml.dockerfile.bases import Known, Smaller
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.edit import Edit
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage


def smaller_of(build: Build, rule: str) -> Iterator[tuple[Stage, Known, Smaller]]:
    """The stages whose base has a smaller one that `rule` proposes."""
    for stage in build.stages:
        known = build.named(stage)
        for smaller in known.base.smaller if known is not None else ():
            if known is not None and smaller.rule == rule:
                yield stage, known, smaller


def other_name(stage: Stage, known: Known, smaller: Smaller) -> str:
    """The word that FROM is to have, variables kept; "" where it has a digest or its variables cannot be kept."""
    word = stage.start.values[0]
    tag = known.tag_of(smaller)
    if "@" in word or ":" in tag or "/" in tag:
        return ""
    base = stage.base or ""
    wanted = f"{base.rpartition(':')[0] if known.tag else base}:{tag}"
    if "$" not in word:
        return wanted
    swaps = [word + tag.removeprefix(known.tag)] if tag.startswith(known.tag) else []
    for old, new in (("-devel", "-runtime"), ("-devel", "-base"), ("-runtime", "-base")):
        swaps.append(word.replace(old, new))
    return next((swap for swap in swaps if expand(swap, stage.scope.environment) == wanted), "")


def lacking(build: Build, stage: Stage, smaller: Smaller) -> dict[str, str]:
    """Packages that the stage, or one that continues it, would miss in the smaller base, each with what calls for it.

    A name of "" cannot be had there.
    """
    found: dict[str, str] = {}
    present: set[str] = set()
    for one in [stage, *build.continued(stage)]:
        for run, script in build.scripts(one):
            for install in apt_installs(script):
                present |= {bare(word.text) for word in install.named}
            for command in script.commands:
                package = smaller.lacks.get(command.program)
                if (
                    package is not None
                    and package not in present
                    and not (present & {"build-essential"} and package in _ESSENTIAL)
                ):
                    found.setdefault(package, f"line {run.line} calls {command.program}")
    if "gcc" in smaller.lacks and not present & {"build-essential", "gcc", "g++"}:
        for name, _ in installed(build, stage):
            for package in packages().source.get(name, ()):
                if package not in present:
                    found.setdefault(package, f"{name} is built from source")
    known = packages().distributions
    for name, _ in installed(build, stage):
        for package in known.get(name, ()) if smaller.lacks else ():
            if package not in present:
                found.setdefault(package, f"{name} loads its libraries")
    return found


_ESSENTIAL = frozenset({"gcc", "g++", "make", "patch"})


def unread(build: Build, stage: Stage) -> Instruction | None:
    """The first RUN whose commands cannot be read, or that runs a program of the application's own as a shell
    script."""
    for one in [stage, *build.continued(stage)]:
        for run in one.runs():
            script = build.script(run)
            if script is None or any(command.program.endswith(".sh") for command in script.commands):
                return run
            if any(command.program in ("sh", "bash") for command in script.commands):
                return run
    return None


def with_packages(build: Build, stage: Stage, names: list[str]) -> tuple[Edit, ...]:
    """Install packages in the stage: in its first apt-get install, where that comes before all else that runs, else in
    a RUN of its own behind FROM."""
    if not names:
        return ()
    for run, script in build.scripts(stage):
        if not all(apt_verb(command) or command.program in ("rm", "apt-key") for command in script.commands):
            break
        for install in apt_installs(script):
            if install.named:
                return (insert(install.named[-1].span.end, "".join(f" {name}" for name in names)),)
        del run
    escape, told = build.document.escape, " ".join(names)
    lines = [
        f"RUN apt-get update && apt-get install -y --no-install-recommends {told} {escape}",
        "    && rm -rf /var/lib/apt/lists/*",
    ]
    return (insert_lines(build.document, stage.start.span.end, lines),)


def change(build: Build, stage: Stage, name: str, names: list[str]) -> tuple[Edit, ...]:
    """FROM with another image, and the packages that go with it."""
    return (replace(stage.start.words[0].span, name), *with_packages(build, stage, names))
