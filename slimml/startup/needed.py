"""Which imports a service can do without until its first answer, by which functions were called in a watched run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.bench.module_owners import APPLICATION, STANDARD

if TYPE_CHECKING:
    from slimml.startup.import_tree import Node
    from slimml.startup.notes import Notes

_LEAST_SECONDS = 0.02
_EXTENSION = ".so"
_NATIVE_SHARE = 0.1


@dataclass(frozen=True)
class Unneeded:
    """A distribution of which nothing was called after its import: `seconds` of its modules' own code and of those that
    only came with it, and the imports that led to the first of them, which stands last.
    """

    owner: str
    chain: tuple[str, ...]
    seconds: float


def needed_owners(
    notes: Notes, owner_of_module: Callable[[str], str], owner_of_file: Callable[[str], str]
) -> frozenset[str]:
    """The distributions of which something was called outside of imports or by the application as it was imported, or
    by one of these as it was imported.
    """
    called: dict[str, set[str]] = {}
    for within, file, module in notes.used:
        owner = owner_of_file(file) if file else owner_of_module(module)
        # By nobody's import: the program itself.
        caller = owner_of_module(within) if within else APPLICATION
        called.setdefault(caller, set()).add(owner)
    found = {APPLICATION}
    waiting = [APPLICATION]
    while waiting:
        for owner in called.get(waiting.pop(), set()) - found - {STANDARD}:
            found.add(owner)
            waiting.append(owner)
    return frozenset(found)


def unneeded(roots: Sequence[Node], needed: frozenset[str]) -> tuple[Unneeded, ...]:
    """The distributions that were imported and are not needed, the dearest first; those of 20 ms and more.

    One that another of them brings in counts as part of that one. Of a distribution that is compiled for a large part
    nothing is said: calls into that are not all seen.
    """
    unknown = needed | {APPLICATION} | _mostly_compiled(roots)
    seconds: dict[str, float] = {}
    first: dict[str, Node] = {}
    waiting: list[tuple[Node, Node | None]] = [(root, None) for root in roots]
    while waiting:
        node, top = waiting.pop()
        if node.owner in unknown:
            top = None
        elif node.owner != STANDARD:
            top = top or node
            seconds[top.owner] = seconds.get(top.owner, 0.0) + node.own
            first[top.owner] = min(first.get(top.owner, top), top, key=lambda one: one.begin)
        waiting += [(child, top) for child in node.children]
    found = [Unneeded(owner, first[owner].chain, took) for owner, took in seconds.items() if took >= _LEAST_SECONDS]
    return tuple(sorted(found, key=lambda one: (-one.seconds, one.owner)))


def _mostly_compiled(roots: Sequence[Node]) -> frozenset[str]:
    """The distributions of whose modules so many are compiled that their use cannot be judged."""
    modules: dict[str, list[bool]] = {}
    for root in roots:
        for node in root.walk():
            modules.setdefault(node.owner, []).append(_EXTENSION in node.file)
    return frozenset(owner for owner, own in modules.items() if sum(own) > len(own) * _NATIVE_SHARE)
