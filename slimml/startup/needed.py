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
    """A distribution of which nothing was called after its import: `seconds` of its modules' own code, and the imports
    that led to the first of them, which stands last.
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

    Of a distribution that is compiled for a large part nothing is said: calls into that are not all seen.
    """
    modules: dict[str, list[Node]] = {}
    for root in roots:
        for node in root.walk():
            if node.owner not in needed and node.owner not in (STANDARD, APPLICATION):
                modules.setdefault(node.owner, []).append(node)
    found = []
    for owner, own in modules.items():
        seconds = sum(node.own for node in own)
        compiled = sum(_EXTENSION in node.file for node in own)
        if seconds >= _LEAST_SECONDS and compiled <= len(own) * _NATIVE_SHARE:
            found.append(Unneeded(owner, min(own, key=lambda node: node.begin).chain, seconds))
    return tuple(sorted(found, key=lambda one: (-one.seconds, one.owner)))
