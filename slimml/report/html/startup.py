"""What a start spends its time on, for the page: phases, and a tree of imports or calls with own and whole seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slimml.report.html.shown import shown

_DEEPEST = 200
"""what lies deeper is added to the node there: no page draws it, and a program may import without end"""


@dataclass(frozen=True)
class StartTree:
    """One start. `phases` are seconds by name, in order. `root` is a mapping of `name`, `own` and `total` seconds
    (`total` with all below) and `children`, a list of the same, and where it is known `owner`, whose module it is; None
    where only phases are known.
    """

    title: str
    phases: Mapping[str, float] = field(default_factory=dict)
    root: Mapping[str, Any] | None = None


def start_part(trees: tuple[StartTree, ...]) -> list[dict[str, Any]]:
    """The trees flat, so that no reader runs out of stack: each node after its parent, whose place it names."""
    return [
        {
            "title": shown(tree.title),
            "phases": [[shown(name), seconds] for name, seconds in tree.phases.items()],
            "nodes": _flat(tree.root) if tree.root else [],
        }
        for tree in trees
    ]


def _flat(root: Mapping[str, Any]) -> list[list[Any]]:
    """Nodes as [name, own, total, parent, owner]; the root's parent is -1."""
    found: list[list[Any]] = []
    waiting: list[tuple[Mapping[str, Any], int, int]] = [(root, -1, 0)]
    while waiting:
        node, parent, depth = waiting.pop()
        deepest = depth == _DEEPEST
        own = float(node["total"] if deepest else node["own"])
        found.append([shown(str(node["name"])), own, float(node["total"]), parent, shown(str(node.get("owner", "")))])
        place = len(found) - 1
        if not deepest:
            waiting.extend((child, place, depth + 1) for child in reversed(node.get("children") or ()))
    return found
