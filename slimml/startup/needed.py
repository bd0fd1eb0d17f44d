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
_NATIVE_SHARE = 0.25


@dataclass(frozen=True)
class Unneeded:
    """An import of which nothing was called after it: `seconds` that the start took for it (the standard library's
    modules not counted), and the imports that led to it, itself last.
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
    """The imports, the outermost each, that begin with something that is not needed and bring in nothing that is,
    beyond the standard library; those that took 20 ms and more, the dearest first.
    """
    found: list[Unneeded] = []
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node.total < _LEAST_SECONDS:
            continue
        if node.owner in needed or node.owner == STANDARD or _brings(node, needed) or _mostly_native(node):
            waiting += node.children
        else:
            found.append(Unneeded(node.owner, node.chain, _own_seconds(node)))
    dear = [one for one in found if one.seconds >= _LEAST_SECONDS]
    return tuple(sorted(dear, key=lambda one: (-one.seconds, one.chain)))


def _mostly_native(node: Node) -> bool:
    """Whether much of it is compiled: calls into that are not all seen, so nothing is known of its use."""
    own = [one for one in node.walk() if one.owner == node.owner]
    return sum(_EXTENSION in one.file for one in own) > len(own) * _NATIVE_SHARE


def _own_seconds(node: Node) -> float:
    """Without the standard library's modules, which others may need and would have to import then."""
    return sum(one.own for one in node.walk() if one.owner != STANDARD)


def _brings(node: Node, needed: frozenset[str]) -> bool:
    return any(one.owner in needed for one in node.walk())
