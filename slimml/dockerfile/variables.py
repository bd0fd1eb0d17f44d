"""Variables: which of ARG and ENV is set where an instruction stands, and words with them put in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from slimml.dockerfile.document import Document
from slimml.dockerfile.instructions import Instruction
from slimml.dockerfile.lexer import LexError, NotKnown, lex

PLATFORM_ARGUMENTS = frozenset(
    f"{where}{what}" for where in ("BUILD", "TARGET") for what in ("PLATFORM", "OS", "ARCH", "VARIANT", "OSVERSION")
) | {"TARGETSTAGE"}
"""Arguments that BuildKit sets; their values are those of the build."""

DEFAULT_SHELL = ("/bin/sh", "-c")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Environment:
    """Names with their values; None is a value that nobody knows before the build (an ARG without a default).

    `closed` says that no other name is set; otherwise the base image may have set any.
    """

    values: Mapping[str, str | None]
    closed: bool

    def lookup(self, name: str) -> str | None:
        """The value, None when it is not set; raises NotKnown."""
        value = self.values.get(name, "")
        if value is None or (name not in self.values and not self.closed):
            raise NotKnown(name)
        return value if name in self.values else None


@dataclass(frozen=True)
class Scope:
    """What holds where an instruction stands: `stage` counts from 0, -1 before the first FROM.

    `environment` is what the instruction's words and its shell see, ARG and ENV together; a build argument may
    override the default of an ARG. `arguments` are the names that come from ARG alone.
    """

    stage: int
    environment: Environment
    arguments: frozenset[str] = frozenset()
    shell: tuple[str, ...] = DEFAULT_SHELL


def expand(text: str, environment: Environment, escape: str = "\\") -> str | None:
    """`text` without quotes and with its variables put in, as BuildKit does; None when a value is not known.

    Words that BuildKit would refuse (`${}`, a quote without its end) have no value either.
    """
    try:
        return lex(text, environment.lookup, escape).text
    except (NotKnown, LexError, ValueError):
        return None


def expand_words(text: str, environment: Environment, escape: str = "\\") -> tuple[str, ...] | None:
    """The same, parted at white space that is not quoted (what COPY and EXPOSE do); None as in `expand`."""
    try:
        return lex(text, environment.lookup, escape).words
    except (NotKnown, LexError, ValueError):
        return None


def names_in(text: str, escape: str = "\\") -> tuple[str, ...]:
    """The variables that `text` asks for, in order."""
    try:
        return lex(text, escape=escape, keep_unset=True).names
    except (LexError, ValueError):
        return ()


@dataclass
class _State:
    """A stage in the making."""

    values: dict[str, str | None] = field(default_factory=dict)
    arguments: set[str] = field(default_factory=set)
    closed: bool = True
    shell: tuple[str, ...] = DEFAULT_SHELL
    seen: Environment | None = None

    def environment(self) -> Environment:
        """What is set now; the same value until something changes."""
        if self.seen is None or self.seen.values != self.values:
            self.seen = Environment(dict(self.values), self.closed)
        return self.seen


def scopes(document: Document, build_args: Mapping[str, str] = _NOTHING) -> tuple[Scope, ...]:
    """For each instruction of the document the scope before it."""
    return tuple(_walk(document, build_args)[0])


def environments(document: Document, build_args: Mapping[str, str] = _NOTHING) -> tuple[Environment, ...]:
    """For each stage what ENV has set at its end; no ARG is in a container."""
    return tuple(
        Environment(_without(state.values, state.arguments), state.closed) for state in _walk(document, build_args)[1]
    )


def _walk(document: Document, build_args: Mapping[str, str]) -> tuple[list[Scope], list[_State]]:
    """The scopes before all instructions, and the stages as they are at their ends."""
    first = _State(values=dict.fromkeys(PLATFORM_ARGUMENTS))
    met: list[Scope] = []
    stages: list[_State] = []
    named: dict[str, _State] = {}
    for found in document.instructions:
        state = stages[-1] if stages else first
        if found.name == "FROM":
            met.append(Scope(len(stages) - 1, first.environment()))
            base = expand(found.values[0], first.environment(), document.escape)
            stages.append(_begun(base, named))
            if len(found.words) == 3:
                named = {**named, found.values[2].lower(): stages[-1]}
            continue
        met.append(Scope(len(stages) - 1, state.environment(), frozenset(state.arguments), state.shell))
        _step(state, found, first, document.escape, build_args)
    return met, stages


def _without(values: Mapping[str, str | None], names: set[str]) -> dict[str, str | None]:
    return {name: value for name, value in values.items() if name not in names}


def _begun(base: str | None, named: Mapping[str, _State]) -> _State:
    """The state at the beginning of a stage: ENV and SHELL of the stage that it builds on, never its ARG."""
    before = named.get(base.lower()) if base is not None else None
    if before is None:
        # A builder sets PATH in an image from scratch.
        return _State(values={"PATH": None} if base == "scratch" else {}, closed=base == "scratch")
    return replace(before, values=_without(before.values, before.arguments), arguments=set())


def _step(state: _State, found: Instruction, first: _State, escape: str, build_args: Mapping[str, str]) -> None:
    before = state.environment()
    if found.name == "SHELL":
        state.shell = found.values
    elif found.name == "ENV":
        for key, value in found.pairs:
            name = expand(key.text, before, escape)
            if name is not None and value is not None:
                state.values[name] = expand(value.text, before, escape)
                state.arguments.discard(name)
    elif found.name == "ARG":
        for key, value in found.pairs:
            _declare(state, key.text, value.text if value else None, first, escape, build_args)


def _declare(
    state: _State, name: str, default: str | None, first: _State, escape: str, build_args: Mapping[str, str]
) -> None:
    """ARG: a build argument, the default, or what a global ARG of the same name says. ENV wins over all of them."""
    if name in state.values and name not in state.arguments and state is not first:
        return
    if name in build_args:
        value: str | None = build_args[name]
    elif default is not None:
        value = expand(default, state.environment(), escape)
    else:
        value = first.values.get(name) if state is not first else None
    state.values[name] = value
    state.arguments.add(name)
