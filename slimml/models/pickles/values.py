"""What a pickle describes, as plain values: containers, numbers, words, and names of what loading would call.

Identity matters (a pickle may name one object twice, or an object inside itself), so containers compare by identity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Global:
    """A name that loading would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class Blob:
    """Words or bytes that were not kept: `kind` is "str", "bytes", "bytearray" or "int"; `size` bytes at `offset`."""

    kind: str
    offset: int
    size: int


@dataclass(eq=False, slots=True)
class Pairs:
    """A dict in the order of its making; keys may be anything, also what Python could not hash."""

    items: list[tuple[Any, Any]] = field(default_factory=list)

    def get(self, key: str) -> Any:
        """The last value under a word, None where there is none."""
        for known, value in reversed(self.items):
            if type(known) is str and known == key:
                return value
        return None

    def keys(self) -> set[str]:
        """Those of its keys that are words."""
        return {key for key, _ in self.items if type(key) is str}


@dataclass(eq=False, slots=True)
class Sequence:
    """A list, set or frozenset, as `kind` says."""

    kind: str = "list"
    items: list[Any] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Persistent:
    """What a pickle only names, for who loads it to supply: torch's storages."""

    name: Any


@dataclass(eq=False, slots=True)
class Made:
    """What a call would give. `how` is the opcode: reduce, newobj, newobj_ex, obj or inst; `called` is mostly a Global.

    `filled` is what is done to it afterwards, in order: "append" (one list of items), "pairs" (a Pairs), "state".
    """

    how: str
    called: Any
    arguments: Any
    keywords: Any = None
    filled: list[tuple[str, Any]] = field(default_factory=list)

    def state(self) -> Any:
        """The last state that BUILD would give it, None where there is none."""
        for kind, value in reversed(self.filled):
            if kind == "state":
                return value
        return None

    def calls(self, *names: str) -> bool:
        """Whether what it calls is a Global of one of these whole names."""
        return isinstance(self.called, Global) and str(self.called) in names


def pairs_of(value: Any) -> list[tuple[Any, Any]]:
    """The pairs of a dict, or of an object that is filled like one (an OrderedDict); else none."""
    if isinstance(value, Pairs):
        return value.items
    if isinstance(value, Made):
        return [pair for kind, filled in value.filled if kind == "pairs" for pair in filled.items]
    return []
