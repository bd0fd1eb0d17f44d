"""Notebooks, test runners and linters among what a service's image installs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert, replace
from slimml.dockerfile.installs import Install, pip_installs
from slimml.dockerfile.packages import distribution_of, packages
from slimml.dockerfile.requirements import RequirementsFile, files_of
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity
from slimml.dockerfile.spans import Span

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Command
    from slimml.dockerfile.edit import Edit
    from slimml.dockerfile.stages import Stage

_ID = "dev-dependencies"
_NOTEBOOKS = ("jupyter", "notebook", "ipython", "ipykernel", "ipywidgets", "nb")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for run, script in build.scripts(stage):
            for install in pip_installs(script):
                if install.verb.text != "install":
                    continue
                yield from _on_the_line(build, stage, install)
                for word, file in zip(install.files, files_of(build, stage, run, install), strict=True):
                    if file:
                        yield from _in_a_file(build, stage, install, word.text, file, script.plain)
            for command in script.commands:
                yield from _of_a_project(command)


def _on_the_line(build: Build, stage: Stage, install: Install) -> Iterator[Finding]:
    going = [word for word in install.named if _unused(build, stage, distribution_of(word.text))]
    if not going:
        return
    names = [distribution_of(word.text) for word in going]
    message = f"{', '.join(names)} are for people who develop"
    if len(going) == len(install.named) and not install.files:
        yield Finding(_ID, install.command.span, message, kept="the command installs nothing else: take it out")
        return
    data = build.document.data
    edits = []
    for word in going:
        start = word.span.start
        while data[start - 1 : start] in (b" ", b"\t"):
            start -= 1
        edits.append(replace(Span(start, word.span.end), ""))
    yield Finding(_ID, install.command.span, message, tuple(edits), packages().development_bytes(names))


def _in_a_file(
    build: Build, stage: Stage, install: Install, path: str, file: RequirementsFile, plain: bool
) -> Iterator[Finding]:
    """The file stays as it is; what is installed is the file without the lines of development."""
    going = [name for name in file.distributions if _unused(build, stage, name)]
    if not going:
        return
    message = f"{file.path} asks for {', '.join(going)}, which are for people who develop"
    kept = ""
    if not file.plain:
        kept = "it has options or continued lines: part it by hand into two files"
    elif path.startswith("-") or not plain:
        kept = "the command is part of a larger one"
    elif len(going) == len(file.distributions):
        kept = "it asks for nothing else"
    edits = () if kept else _filtered(install, path, going)
    yield Finding(_ID, install.command.span, message, edits, packages().development_bytes(going), kept=kept)


def _filtered(install: Install, path: str, going: list[str]) -> tuple[Edit, ...]:
    target = f"/tmp/{path.rpartition('/')[2].removesuffix('.txt')}-run.txt"
    # Names are compared as PEP 503 says: - _ and . are the same.
    names = "|".join(name.replace("-", "[-_.]") for name in going)
    word = next(word for word in install.files if word.text == path)
    command = f"sed -E '/^({names})([^A-Za-z0-9._-]|$)/Id' {path} > {target} && "
    return insert(install.command.span.start, command), replace(word.span, target)


def _unused(build: Build, stage: Stage, name: str) -> bool:
    """A distribution of development that neither the sources import nor a command of the image runs."""
    if not name or not packages().is_development(name):
        return False
    if not build.context.known:
        return False
    modules = {name.replace("-", "_"), name.replace("-", "."), name.removeprefix("python-")}
    if modules & build.context.imported:
        return False
    for one in (*stage.instructions, *build.final.instructions):
        text = one.arguments.text
        if one.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK", "EXPOSE"):
            if name in text or (
                name.startswith(_NOTEBOOKS) and ("jupyter" in text or "notebook" in text or "8888" in text)
            ):
                return False
        elif one.name == "RUN":
            script = build.script(one)
            if script is None or any(_calls(command, name) for command in script.commands):
                return False
    return True


def _calls(command: Command, name: str) -> bool:
    notebook = name.startswith(_NOTEBOOKS) and command.program.startswith(("jupyter", "ipython"))
    modules = [word.text for word, option in zip(command.words[1:], command.words, strict=False) if option.text == "-m"]
    return command.program == name or notebook or name.replace("-", "_") in modules or name in modules


def _of_a_project(command: Command) -> Iterator[Finding]:
    """poetry and uv install the groups of development unless they are told not to."""
    words = [word.text for word in command.words[1:]]
    verbs = [word for word in words if not word.startswith("-")]
    message = f"{command.program} installs the groups of development as well"
    if command.program == "poetry" and verbs[:1] == ["install"]:
        if not any(word.startswith(("--only", "--without", "--no-dev", "--with", "--all-groups")) for word in words):
            yield Finding(
                _ID, command.span, message, (insert(_verb_end(command, "install"), " --only main"),), 100_000_000
            )
    elif command.program == "uv" and verbs[:1] == ["sync"]:
        told = ("--no-dev", "--group", "--only-group", "--all-groups", "--no-default-groups", "--dev", "--no-group")
        if not any(word.startswith(told) for word in words):
            yield Finding(_ID, command.span, message, (insert(_verb_end(command, "sync"), " --no-dev"),), 100_000_000)


def _verb_end(command: Command, verb: str) -> int:
    return next(word.span.end for word in command.words if word.text == verb)


RULE = Rule(
    _ID,
    "Development dependencies in the image",
    Risk.LIKELY,
    Severity.NOTE,
    "Who trains, tests and writes notebooks needs other packages than what answers requests. Those that no "
    "source of the "
    "context imports and no command calls are left out; put them into requirements-dev.txt or a dependency group.",
    "https://packaging.python.org/en/latest/specifications/dependency-groups/",
    _look,
)
