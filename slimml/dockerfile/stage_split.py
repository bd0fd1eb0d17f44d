"""What each instruction of a single stage is for: building, running, or both. First half of the multi-stage rewrite.

Whatever cannot be told apart raises Mingled with the reason, and the file stays as it is.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slimml.dockerfile.installs import apt_installs, apt_verb, pip_install
from slimml.dockerfile.places import working_directory
from slimml.dockerfile.spans import decode

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Command, Script
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_PATH = re.compile(r"(?<![\w.:/$}@-])/[\w.@+{$][^\s\"';|&)<>=,]*")
_SYSTEM = re.compile(r"/(usr|etc|var|bin|sbin|lib|lib64|root|home|boot|run|dev|proc|sys)(/|$)|/$")
_PASSING = re.compile(r"/(tmp|var/tmp|root/\.cache|var/cache|var/lib/apt)(/|$)")
_USERS = frozenset({"useradd", "adduser", "groupadd", "addgroup", "usermod"})
_ON_SYSTEM = frozenset(
    {"mkdir", "ln", "chmod", "chown", "touch", "locale-gen", "update-locale", "update-alternatives", "ldconfig", "echo"}
    | {"sed", "update-ca-certificates", "printf"}
)
_MAKES = frozenset(
    {
        "mkdir",
        "tar",
        "unzip",
        "gunzip",
        "rm",
        "cp",
        "mv",
        "ln",
        "chmod",
        "touch",
        "wget",
        "curl",
        "git",
        "sed",
        "echo",
        "make",
    }
    | {"cmake", "ninja", "gcc", "g++", "printf", "cat", "find", "true", "ls", "du", "uv"}
)
_PYTHON = re.compile(r"python[\d.]*")
_AT_HOME = re.compile(
    r"nltk|spacy\.|spacy +download|from_pretrained\(\s*[\"'][\w.-]+(/[\w.-]+)?[\"']"
    r"|snapshot_download|hf_hub_download|torch\.hub|whisper\.load"
    r"|SentenceTransformer\(|easyocr|keras\.applications|pipeline\(|expanduser|Path\.home|playwright"
)
_PIP_ELSEWHERE = ("--user", "--target", "-t", "--prefix", "--root", "--system")


class Mingled(Exception):
    """What builds and what runs cannot be told apart here; the message says why."""


@dataclass
class Split:
    """What was found, in the order of the file. Texts are as they stand there."""

    packages: list[tuple[str, Instruction]] = field(default_factory=list)
    """apt's packages, with the RUN that installs them"""
    upgrades: bool = False
    environment: str = ""
    """the virtual environment that the file makes itself, "" for none"""
    first_pip: Instruction | None = None
    roots: dict[str, None] = field(default_factory=dict)
    """directories whose content is the application's"""
    made: bool = False
    """some command makes files in them"""
    users: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    """what `chown -R` gives to whom"""
    replayed: list[tuple[Instruction, str]] = field(default_factory=list)
    """what the last stage does as well, and its text"""
    building: list[Instruction] = field(default_factory=list)
    """RUN and COPY of the build stage"""
    only_users: list[Instruction] = field(default_factory=list)
    """RUNs that make users or give away files, and nothing else"""


def split_stage(build: Build, stage: Stage) -> Split:
    """Tell the instructions apart; raises Mingled."""
    found = Split()
    _refuse(build, stage)
    for one in stage.instructions:
        if one.name in ("COPY", "ADD"):
            _copy(build, stage, one, found)
        elif one.name == "RUN":
            _run(build, stage, one, found)
        elif one.name == "WORKDIR":
            found.replayed.append((one, _text(build, one)))
            place = working_directory(stage, _after(stage, one))
            if place != "/" and not _SYSTEM.match(place):
                found.roots[place] = None
    found.roots = dict.fromkeys(_outermost(found.roots))
    return found


def _refuse(build: Build, stage: Stage) -> None:
    if build.document.escape != "\\":
        raise Mingled("its escape character is a backtick")
    runs = [*stage.runs()]
    last = runs[-1].span.start if runs else 0
    for one in stage.instructions:
        if one.name in ("ONBUILD", "SHELL"):
            raise Mingled(f"line {one.line} is {one.name}")
        if one.name == "USER" and one.span.start < last:
            raise Mingled(f"line {one.line} sets a user before the last RUN")
        if one.name == "RUN" and (build.script(one) is None or one.flags):
            raise Mingled(f"the commands of line {one.line} cannot be read")
        if one.name in ("COPY", "ADD") and one.heredocs:
            raise Mingled(f"line {one.line} has a heredoc")
        if one.name == "ENV" and any(
            key.text == "PATH" and value and "PATH" not in value.text for key, value in one.pairs
        ):
            raise Mingled(f"line {one.line} sets PATH anew")
        if one.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK") and re.search(
            r"/usr/(local/)?(bin|lib)/", one.arguments.text
        ):
            raise Mingled(f"line {one.line} names a program of the system by its path")


def _copy(build: Build, stage: Stage, one: Instruction, found: Split) -> None:
    target = one.words[-1].text
    if "$" in target:
        raise Mingled(f"line {one.line} copies to a place that a variable says")
    place = posixpath.normpath(posixpath.join(working_directory(stage, one), target))
    root = place if _directory(build, one, target) else posixpath.dirname(place)
    if one.flag("from") is not None or (_SYSTEM.match(place) and not _PASSING.match(place)):
        if place == "/" or root == "/":
            raise Mingled(f"line {one.line} copies into the root directory")
        found.replayed.append((one, _text(build, one)))
        return
    if not _PASSING.match(place):
        if root == "/":
            raise Mingled(f"line {one.line} copies into the root directory")
        found.roots[root] = None
        found.replayed.append((one, _text(build, one)))
    found.building.append(one)


def _directory(build: Build, one: Instruction, target: str) -> bool:
    """Whether the destination is a directory."""
    sources = [word.text for word in one.words[:-1]]
    if target.endswith("/") or target in (".", "..") or len(sources) > 1:
        return True
    source = posixpath.normpath(sources[0].lstrip("/") or ".")
    return (
        source == "." or (source not in build.context.sizes and "." not in posixpath.basename(source)) or "*" in source
    )


def _run(build: Build, stage: Stage, one: Instruction, found: Split) -> None:
    script = build.script(one)
    if script is None or not script.plain:
        raise Mingled(f"line {one.line} is more than a list of commands")
    before = (len(found.users), len(found.owners))
    kinds = {_command(build, stage, one, script, command, found) for command in script.listed}
    if script.leaks and kinds - {"apt", "users"} and (script.leaks != "cd" or "system" in kinds):
        raise Mingled(f"{script.leaks} in line {one.line} changes what its commands mean")
    if kinds <= {"users"} and (len(found.users), len(found.owners)) != before:
        found.only_users.append(one)
    else:
        found.building.append(one)


def _command(build: Build, stage: Stage, run: Instruction, script: Script, command: Command, found: Split) -> str:
    text = decode(command.span.of(build.document.data))
    if apt_verb(command):
        _apt(run, script, command, found)
        return "apt"
    install = pip_install(command)
    if install is not None:
        if "/" in command.words[0].text and not (
            found.environment and command.words[0].text.startswith(found.environment)
        ):
            raise Mingled(f"line {run.line} calls pip by its path")
        if install.has(*_PIP_ELSEWHERE):
            raise Mingled(f"line {run.line} installs to another place than the environment")
        found.first_pip = found.first_pip or run
        return "pip"
    if _makes_environment(command, found, run):
        return "pip"
    if command.program in _USERS:
        found.users.append(" ".join(text.replace("\\\n", " ").split()))
        return "users"
    words = [word.text for word in command.words[1:]]
    if (
        command.program == "chown"
        and words[:1] == ["-R"]
        and len(words) >= 3
        and all(word.startswith("/") for word in words[2:])
    ):
        for path in words[2:]:
            found.owners[path.rstrip("/") or "/"] = words[1]
        return "users"
    return _other(build, stage, run, command, text, found)


def _apt(run: Instruction, script: Script, command: Command, found: Split) -> None:
    verb = apt_verb(command)
    if verb in ("upgrade", "dist-upgrade", "full-upgrade"):
        found.upgrades = True
    elif verb not in ("install", "update", "clean", "autoclean", "autoremove", "purge", "remove"):
        raise Mingled(f"line {run.line} calls apt {verb}")
    elif verb in ("purge", "remove"):
        raise Mingled(f"line {run.line} removes packages again")
    for install in apt_installs(script):
        if install.command is command:
            if install.has("-t", "--target-release"):
                raise Mingled(f"line {run.line} installs from a named release")
            for word in install.named:
                if (
                    not word.literal
                    or word.text.startswith((".", "/"))
                    or (word.text.endswith(("+", "^")) and word.text != "g++")
                ):
                    raise Mingled(f"line {run.line} installs {word.text}")
                found.packages.append((word.text, run))


def _makes_environment(command: Command, found: Split, run: Instruction) -> bool:
    words = [word.text for word in command.words]
    modules = words[1:3] in (["-m", "venv"], ["-m", "virtualenv"]) and _PYTHON.fullmatch(command.program)
    if not (modules or command.program == "virtualenv" or words[:2] == ["uv", "venv"]):
        return False
    places = [word for word in words[1:] if word.startswith("/")]
    if len(places) != 1 or found.environment or (_SYSTEM.match(places[0]) and not places[0].startswith("/home")):
        raise Mingled(f"line {run.line} makes an environment in a place that is not plain")
    found.environment = posixpath.normpath(places[0])
    found.roots[found.environment] = None
    found.first_pip = found.first_pip or run
    return True


def _other(build: Build, stage: Stage, run: Instruction, command: Command, text: str, found: Split) -> str:
    paths = [path.rstrip("/*") or "/" for path in _PATH.findall(text)]
    if "/" in command.words[0].text:
        paths = [path for path in paths if path != command.words[0].text]
    system = [path for path in paths if _SYSTEM.match(path) and not _PASSING.match(path)]
    if command.program == "rm" and paths and all(_PASSING.match(path) for path in paths):
        return "apt"
    if system:
        if command.program not in _ON_SYSTEM or any(not _SYSTEM.match(path) for path in paths):
            raise Mingled(f"line {run.line} changes {system[0]}")
        found.replayed.append((run, text))
        return "system"
    if command.program in ("locale-gen", "ldconfig", "update-ca-certificates", "update-locale"):
        found.replayed.append((run, text))
        return "system"
    python = _PYTHON.fullmatch(command.program)
    if not python and command.program not in _MAKES | {"cd"}:
        raise Mingled(f"what {command.program} in line {run.line} makes is not known")
    _at_home(build, run, command, text)
    for path in paths:
        if not _PASSING.match(path) and command.program in (
            "mkdir",
            "tar",
            "git",
            "unzip",
            "cp",
            "mv",
            "ln",
            "wget",
            "curl",
        ):
            found.roots.setdefault(_root_of(path, found), None)
    if working_directory(stage, run) == "/" and not paths and command.program not in ("true", "echo", "cd"):
        raise Mingled(f"line {run.line} works in the root directory")
    found.made |= command.program not in ("true", "ls", "du", "cd")
    return "made"


def _at_home(build: Build, run: Instruction, command: Command, text: str) -> None:
    """A program that keeps downloads in the user's home directory leaves something behind that nobody would copy."""
    texts = [text]
    for word in command.words[1:]:
        if word.text.endswith((".py", ".sh")):
            name = posixpath.normpath(word.text.lstrip("/"))
            texts += [build.context.text(path) or "" for path in (name, posixpath.basename(name))]
    for one in texts:
        found = _AT_HOME.search(one)
        if found:
            raise Mingled(f"line {run.line} may keep downloads in the home directory ({found[0]})")


def _root_of(path: str, found: Split) -> str:
    inside = next((root for root in found.roots if path == root or path.startswith(f"{root}/")), "")
    if inside:
        return inside
    name = posixpath.basename(path)
    return posixpath.dirname(path) if "." in name and posixpath.dirname(path) != "/" else path


def _outermost(roots: dict[str, None]) -> list[str]:
    return [root for root in roots if not any(root.startswith(f"{other}/") for other in roots)]


def _after(stage: Stage, one: Instruction) -> Instruction | None:
    return next((other for other in stage.instructions if other.span.start > one.span.start), None)


def _text(build: Build, one: Instruction) -> str:
    return decode(one.span.of(build.document.data)).rstrip("\r\n")
