"""Uses as a recorder tells them, held against the image: links followed, and what is not the image's told apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.inventory.root import Root, merged_root
from slimml.oci.tar.events import Kind
from slimml.usage.recording import Operation, Use

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

_CONTENT = Operation.OPEN | Operation.EXEC


def settle(uses: Iterable[Use], inventory: Inventory, *, resolved: bool) -> tuple[Use, ...]:
    """The same uses, each path once, by the paths that the image has; in order of first use.

    `resolved` says that the recorder tells paths as the kernel resolved them, of files that were there: one that the
    image has not was made by the run itself, which becomes a WRITE. Otherwise paths are as programs name them: links
    are followed here, those crossed become uses of their own (READLINK), and what is not there is MISSED.
    """
    root = merged_root(inventory)
    found: dict[str, Use] = {}
    for use in sorted(uses, key=lambda use: (use.first, use.order)):
        for one in _known(use, root) if resolved else _followed(use, root):
            known = found.get(one.path)
            if known is None:
                found[one.path] = replace(one, order=len(found))
            else:
                found[one.path] = joined(known, one)
    return tuple(found.values())


def joined(first: Use, later: Use) -> Use:
    """Two uses of one path as one."""
    return replace(first, operations=first.operations | later.operations, requested=first.requested or later.requested)


def beneath(directories: Iterable[str], inventory: Inventory, first: float, process: str) -> Iterator[Use]:
    """Every file below these directories of the image (absolute), as used: where a recorder sees nothing."""
    live: Mapping[str, int] = inventory.live
    for directory in directories:
        start = directory.strip("/") + "/"
        for path in live:
            if path.startswith(start) or path == start[:-1]:
                yield Use(path, Operation.OPEN, first, 0, process)


def _known(use: Use, root: Root) -> Iterator[Use]:
    operations = use.operations
    if not _there(use.path, root):
        # Whatever made it: written, renamed, or unpacked by a program of the container.
        operations |= Operation.WRITE
    yield replace(use, operations=operations)


def _followed(use: Use, root: Root) -> Iterator[Use]:
    requested = "/".join(_normal(use.path))
    path, crossed, _ = root.walk(requested)
    for link in crossed:
        yield Use(link, Operation.READLINK, use.first, use.order, use.process)
    operations = use.operations & ~Operation.READLINK
    if not operations:
        if crossed:
            return  # its text was read, not what it leads to
        operations = Operation.STAT
    if not _there(path, root):
        if not operations & Operation.WRITE:
            operations = operations & ~(_CONTENT | Operation.LIST) | Operation.MISSED
    elif operations & Operation.OPEN and _is_directory(path, root):
        operations = operations & ~Operation.OPEN | Operation.LIST
    yield replace(use, path=path, operations=operations, requested=requested if requested != path else "")


def _normal(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _there(path: str, root: Root) -> bool:
    return not path or path in root.live or bool(root.beneath(path))


def _is_directory(path: str, root: Root) -> bool:
    kind = root.kind(path)
    return kind is Kind.DIRECTORY or (kind is None and _there(path, root))
