"""The stages of a build: what each begins with, copies and needs, and what a container of it would run."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from slimml.dockerfile.document import Document
from slimml.dockerfile.instructions import Instruction
from slimml.dockerfile.variables import Environment, Scope, environments, expand, scopes

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Copy:
    """COPY, ADD, or a RUN's mount from elsewhere. It takes from another stage, from an `image`, or from the context
    when both are None. A path that is not known is None; inline files (heredocs) are no sources."""

    instruction: Instruction
    sources: tuple[str | None, ...]
    destination: str | None
    """absolute where the working directory is known"""
    stage: int | None = None
    image: str | None = None
    mounted: bool = False
    """RUN --mount: there while the command runs, not in the image"""


@dataclass(frozen=True)
class Step:
    """An instruction of a stage with what holds where it stands; `workdir` is None where only the base can tell."""

    instruction: Instruction
    scope: Scope
    workdir: str | None


@dataclass(frozen=True)
class Launch:
    """CMD or ENTRYPOINT: the words of an exec form, or one script for the shell."""

    words: tuple[str, ...]
    exec_form: bool
    instruction: Instruction


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows. `base` is the image's reference with its variables put in, None when it is not known,
    or that of another stage: then `parent` is its number. `scope` is what the FROM itself sees.

    What a container has (`user`, `workdir`, `environment`, `entrypoint`, `command`) is inherited from the parent; None
    is what only the base image can tell.
    """

    index: int
    name: str
    start: Instruction
    scope: Scope
    base: str | None
    parent: int | None
    platform: str | None
    steps: tuple[Step, ...]
    copies: tuple[Copy, ...]
    needs: frozenset[int]
    """numbers of the stages that it builds on or copies from"""
    environment: Environment
    user: str | None
    workdir: str | None
    entrypoint: Launch | None
    command: Launch | None

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """Those behind its FROM, in order."""
        return tuple(step.instruction for step in self.steps)

    @property
    def end(self) -> int:
        """The offset behind its last instruction."""
        return (self.steps[-1].instruction if self.steps else self.start).span.end

    def runs(self) -> Iterator[Instruction]:
        """Its RUN instructions."""
        return (step.instruction for step in self.steps if step.instruction.name == "RUN")

    def declares(self, name: str) -> bool:
        """Whether an ENV or ARG of this name stands in it, whatever its value."""
        return any(key.text == name for one in self.instructions for key, _ in one.pairs if one.name in ("ENV", "ARG"))


@dataclass
class _Making:
    """What instructions change, one after the other."""

    user: str | None = None
    workdir: str | None = None
    entrypoint: Launch | None = None
    command: Launch | None = None
    command_is_own: bool = False
    copies: list[Copy] = field(default_factory=list)


def read_stages(document: Document, build_args: Mapping[str, str] = _NOTHING) -> tuple[Stage, ...]:
    """The stages of a document, in order; `build_args` win over the defaults of ARG."""
    made: list[Stage] = []
    ends = environments(document, build_args)
    for (start, scope, body), environment in zip(_groups(document, build_args), ends, strict=True):
        made.append(_stage(document, start, scope, body, environment, made))
    return tuple(made)


def needed(stages: Iterable[Stage], target: int) -> frozenset[int]:
    """The stages that a builder has to build for the stage `target`, itself included."""
    by_index = {stage.index: stage for stage in stages}
    found, waiting = set[int](), [target]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += by_index[index].needs
    return frozenset(found)


def lineage(stages: tuple[Stage, ...], target: int) -> tuple[Stage, ...]:
    """The stages whose layers make up the stage `target`, lowest first."""
    found = [stages[target]]
    while (parent := found[-1].parent) is not None:
        found.append(stages[parent])
    return tuple(reversed(found))


def _groups(
    document: Document, build_args: Mapping[str, str]
) -> Iterator[tuple[Instruction, Scope, list[tuple[Instruction, Scope]]]]:
    held = list(zip(document.instructions, scopes(document, build_args), strict=True))
    starts = [at for at, (one, _) in enumerate(held) if one.name == "FROM"]
    for start, end in zip(starts, [*starts[1:], len(held)], strict=True):
        yield *held[start], held[start + 1 : end]


def _stage(
    document: Document, start: Instruction, scope: Scope, body: list[tuple[Instruction, Scope]],
    environment: Environment, before: list[Stage],
) -> Stage:  # fmt: skip
    base = expand(start.values[0], scope.environment, document.escape)
    parent = _named(base, before, numbers=False)
    making = _inherited(before[parent]) if parent is not None else _Making()
    if parent is None and base == "scratch":
        making.user, making.workdir = "", "/"
    steps = []
    for found, held in body:
        steps.append(Step(found, held, making.workdir))
        _take(making, found, held, document.escape, before)
    platform = start.flag("platform")
    origins = {copy.stage for copy in making.copies if copy.stage is not None}
    return Stage(
        index=len(before),
        name=start.values[2] if len(start.words) == 3 else "",
        start=start,
        scope=scope,
        base=None if parent is not None else base,
        parent=parent,
        platform=expand(platform.value or "", scope.environment, document.escape) if platform else None,
        steps=tuple(steps),
        copies=tuple(making.copies),
        needs=frozenset(origins | ({parent} if parent is not None else set())),
        environment=environment,
        user=making.user,
        workdir=making.workdir,
        entrypoint=making.entrypoint,
        command=making.command,
    )


def _inherited(parent: Stage) -> _Making:
    return _Making(parent.user, parent.workdir, parent.entrypoint, parent.command)


def _named(name: str | None, before: list[Stage], numbers: bool = True) -> int | None:
    """The number of the stage of this name, or of this number; the last one of the name."""
    if name is None:
        return None
    if numbers and name.isdigit():
        return int(name) if int(name) < len(before) else None
    return next((stage.index for stage in reversed(before) if stage.name and stage.name.lower() == name.lower()), None)


def _take(making: _Making, found: Instruction, scope: Scope, escape: str, before: list[Stage]) -> None:
    """What an instruction changes in what a container has."""
    match found.name:
        case "USER":
            making.user = expand(found.values[0], scope.environment, escape)
        case "WORKDIR":
            making.workdir = _below(making.workdir, expand(found.values[0], scope.environment, escape))
        case "ENTRYPOINT":
            making.entrypoint = _launch(found)
            if not making.command_is_own:
                # An ENTRYPOINT clears the CMD that came with the base.
                making.command = None
        case "CMD":
            making.command, making.command_is_own = _launch(found), True
        case "COPY" | "ADD":
            making.copies.append(_copy(found, scope, escape, making.workdir, before))
        case "RUN":
            making.copies += _mounts(found, scope, escape, before)


def _launch(found: Instruction) -> Launch | None:
    return Launch(found.values, found.json, found) if found.words else None


def _below(directory: str | None, path: str | None) -> str | None:
    if path is None or (directory is None and not path.startswith("/")):
        return None
    return posixpath.normpath(posixpath.join(directory or "/", path))


def _copy(found: Instruction, scope: Scope, escape: str, workdir: str | None, before: list[Stage]) -> Copy:
    words = [
        (word.text if found.json and "$" not in word.text else expand(word.text, scope.environment, escape))
        for word in found.words
    ]
    origin = found.flag("from")
    stage, image = _origin(origin.value if origin else None, before)
    destination = _below(workdir, words[-1])
    if destination is not None and (words[-1] or "").endswith("/") and destination != "/":
        destination += "/"
    sources = tuple(word for word in words[:-1] if word is None or not word.lstrip("0123456789").startswith("<<"))
    return Copy(found, sources, destination, stage, image)


def _origin(name: str | None, before: list[Stage]) -> tuple[int | None, str | None]:
    stage = _named(name, before)
    return stage, (name if stage is None else None)


def _mounts(found: Instruction, scope: Scope, escape: str, before: list[Stage]) -> Iterator[Copy]:
    """`RUN --mount=type=bind,from=…`: what a command reads of other stages, images or the context."""
    for flag in found.flags_named("mount"):
        held = dict[str, str]()
        for part in (flag.value or "").split(","):
            key, _, value = part.partition("=")
            held[key.strip().lower()] = expand(value, scope.environment, escape) or value
        if held.get("type", "bind") not in ("bind", "cache") or (held.get("type") == "cache" and "from" not in held):
            continue
        stage, image = _origin(held.get("from"), before)
        source = held.get("source", held.get("src", "/" if held.get("from") else "."))
        target = held.get("target", held.get("dst", held.get("destination")))
        yield Copy(found, (source,), target, stage, image, mounted=True)
