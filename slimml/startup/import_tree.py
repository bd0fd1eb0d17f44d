"""The imports of a start as a tree: who brought in whom, what each cost by itself and with all below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slimml.bench.import_times import Cost, Import, costs_by_owner

if TYPE_CHECKING:
    from slimml.startup.notes import Notes, Span


@dataclass(eq=False)
class Node:
    """One import, in seconds: `own` without what it imported itself, `total` with it, as -X importtime has them.

    `waited` is the part of `own` in which it slept or waited for the network, `loaded` that in which it loaded or
    called a model, `cpu` the processor time of `total`. `whole` is False where it had not ended.
    """

    name: str
    owner: str
    own: float
    total: float
    cpu: float
    begin: float
    file: str = ""
    waited: float = 0.0
    loaded: float = 0.0
    whole: bool = True
    children: list[Node] = field(default_factory=list)
    within: Node | None = None

    @property
    def chain(self) -> tuple[str, ...]:
        """The imports that led to it, the outermost first, itself last."""
        return (*(self.within.chain if self.within else ()), self.name)

    def walk(self) -> Iterator[Node]:
        """It and all below, parents first."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


_WAITING = frozenset({"sleep", "dns", "connect", "receive"})
_MODELS = frozenset({"model", "inference"})


def import_tree(notes: Notes, owner_of: Callable[[str], str], end: float) -> tuple[Node, ...]:
    """The imports that were begun by `end` (time.perf_counter()), of all processes, the outermost of them."""
    by_number = {(span.process, span.number): span for span in notes.spans}
    nodes: dict[tuple[int, int], Node] = {}
    roots: list[Node] = []
    for span in notes.spans:
        if span.kind == "import" and span.begin <= end:
            stop = span.end if span.end is not None else end
            total = max(0.0, stop - span.begin)
            whole, owner = span.end is not None, owner_of(span.name)
            node = Node(span.name, owner, total, total, span.cpu, span.begin, span.where, whole=whole)
            nodes[span.process, span.number] = node
            above = _import_above(span, by_number, nodes)
            if above is None:
                roots.append(node)
            else:
                node.within = above
                above.own = max(0.0, above.own - total)
                above.children.append(node)
    for span in notes.spans:
        if span.end is None or span.detail == "inbound":
            continue
        above = _import_above(span, by_number, nodes) if span.kind in (*_WAITING, *_MODELS) else None
        if above is not None and span.kind in _WAITING:
            above.waited += span.end - span.begin
        elif above is not None:
            above.loaded += span.end - span.begin
    return tuple(roots)


def _import_above(
    span: Span, by_number: Mapping[tuple[int, int], Span], nodes: Mapping[tuple[int, int], Node]
) -> Node | None:
    within = span.within
    while within:
        found = nodes.get((span.process, within))
        if found is not None:
            return found
        above = by_number.get((span.process, within))
        if above is None:
            return None
        within = above.within
    return None


def costs(roots: Sequence[Node]) -> tuple[Cost, ...]:
    """What the modules of each distribution cost, the dearest first."""
    places: dict[int, int] = {}
    imports: list[Import] = []
    owners: dict[str, str] = {}
    for root in roots:
        for node in root.walk():
            places[id(node)] = len(imports)
            owners[node.name] = node.owner
            within = places[id(node.within)] if node.within else None
            imports.append(Import(node.name, node.own, node.total, len(node.chain) - 1, within, 0.0))
    return costs_by_owner(tuple(imports), lambda module: owners[module])


def as_tree(roots: Sequence[Node], name: str, least: float = 0.0, deepest: int = 200) -> dict[str, Any]:
    """The tree as plain data, {name, owner, own, total, children}, seconds; nodes of at least `least` seconds, down to
    `deepest` below the root.

    What is left out is still in the `total` of what it was part of.
    """
    children = [_plain(root, least, deepest - 1) for root in roots if root.total >= least]
    return {"name": name, "owner": "", "own": 0.0, "total": sum(root.total for root in roots), "children": children}


def _plain(node: Node, least: float, deepest: int) -> dict[str, Any]:
    kept = [child for child in node.children if child.total >= least] if deepest else []
    return {
        "name": node.name,
        "owner": node.owner,
        "own": node.own,
        "total": node.total,
        "children": [_plain(child, least, deepest - 1) for child in kept],
    }
