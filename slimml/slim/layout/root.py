"""The merged root as nodes by path: layers applied one after the other (image-spec layer.md, "Applying Changesets")."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import TYPE_CHECKING

from slimml.errors import Unsupported
from slimml.oci.tar.events import Kind
from slimml.slim.layout.listing import Listing, unsupported_link
from slimml.slim.layout.node import Node, implied_directory, join_link

if TYPE_CHECKING:
    from slimml.oci.tar.events import Entry

Root = dict[str, Node]


def apply_layer(root: Root, listing: Listing) -> None:
    """Lay a layer over `root`, which changes. Directories that no entry tells of are there, `implied`.

    Raises Unsupported for what engines disagree about: entries beneath what is no directory, a path that is a directory
    and something else in one layer, a hard link to nothing.
    """
    _hide(root, listing)
    for listed in listing:
        entry = listed.entry
        if entry.kind in (Kind.WHITEOUT, Kind.OPAQUE):
            continue
        node = listed.node or _linked(root, entry)
        _make_parents(root, entry.path)
        before = root.get(entry.path)
        if before is not None and before.kind is Kind.DIRECTORY and node.kind is not Kind.DIRECTORY:
            raise Unsupported(f"/{entry.path[:200]} is a directory and then a file in one layer; engines disagree")
        root[entry.path] = node


def copied(root: Root) -> Root:
    """The root as it is now: links that are applied later may change nodes of `root`."""
    known: dict[int, Node] = {}
    for node in root.values():
        if id(node) not in known:
            known[id(node)] = copy(node)
    return {path: known[id(node)] for path, node in root.items()}


def directories_of(paths: Iterable[str]) -> set[str]:
    """All directories that hold one of the paths, the root ("") not among them."""
    found: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found


def names_of(root: Root) -> dict[int, list[str]]:
    """The names of each node that has a hard link, sorted, by the node's identity in memory."""
    found: dict[int, list[str]] = {}
    for path, node in root.items():
        if node.linked:
            found.setdefault(id(node), []).append(path)
    return {node: sorted(paths) for node, paths in found.items()}


def _linked(root: Root, entry: Entry) -> Node:
    node = root.get(entry.link)
    if node is None or node.kind is Kind.DIRECTORY:
        raise unsupported_link(entry)
    join_link(node, entry)
    return node


def _make_parents(root: Root, path: str) -> None:
    missing = []
    parent = path.rpartition("/")[0]
    while parent:
        there = root.get(parent)
        if there is not None:
            if there.kind is not Kind.DIRECTORY:
                raise Unsupported(f"/{path[:200]} lies beneath /{parent[:200]}, which is no directory of its layers")
            break
        missing.append(parent)
        parent = parent.rpartition("/")[0]
    for directory in missing:
        root[directory] = implied_directory()


def _hide(root: Root, listing: Listing) -> None:
    """Take away what the layer hides of those below: what is whited out, and what lies beneath what is no directory."""
    whole: set[str] = set()
    inside: set[str] = set()
    for listed in listing:
        path, kind = listed.entry.path, listed.entry.kind
        if kind is Kind.OPAQUE:
            inside.add(path)
        elif kind is not Kind.DIRECTORY:
            there = root.get(path)
            if there is None or not path:
                continue
            if kind is Kind.WHITEOUT or there.kind is Kind.DIRECTORY:
                whole.add(path)
    if not whole and not inside:
        return
    inside |= whole
    known: dict[str, bool] = {}
    for path in [path for path in root if path in whole or (path and _is_inside(path, inside, known))]:
        del root[path]


def _is_inside(path: str, inside: set[str], known: dict[str, bool]) -> bool:
    """Whether one of the directories holds the path, however deep; `known` remembers it by directory."""
    parent = path.rpartition("/")[0]
    pending = []
    while parent not in known:
        if parent in inside or not parent:
            known[parent] = parent in inside
            break
        pending.append(parent)
        parent = parent.rpartition("/")[0]
    found = known[parent]
    for inner in pending:
        known[inner] = found
    return found
