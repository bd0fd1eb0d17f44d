"""Owners of what no database lists: bytecode, links that lead to a package, directories."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Set

from slimml.inventory.owners.package import SYSTEM_DIRECTORIES
from slimml.inventory.root import Root
from slimml.oci.tar.events import Kind

_APPLICATION = 0
_CACHE = "/__pycache__/"
_LINKING = ("etc/alternatives/", *SYSTEM_DIRECTORIES)
_BIN = "node_modules/.bin/"
_MIXED = -1


def own_bytecode(root: Root, owner_of: MutableMapping[str, int]) -> None:
    """Give bytecode that no list names (written by py3compile, or by a first import) to the owner of its source.

    Where the source is owned by nobody and not there, the owner of the directory's sources has it, if there is one.
    """
    orphans: list[tuple[str, str]] = []
    for path in root.ordered:
        if path[-4:] != ".pyc" or path in owner_of:
            continue
        source = source_of(path)
        owner = owner_of.get(source)
        if owner is not None:
            owner_of[path] = owner
        elif source not in root.live:
            orphans.append((path, source.rpartition("/")[0]))
    if orphans:
        by_directory = _source_owners(owner_of, {directory for _, directory in orphans})
        for path, directory in orphans:
            owner = by_directory.get(directory, _MIXED)
            if owner != _MIXED:
                owner_of[path] = owner


def source_of(bytecode: str) -> str:
    """The source that a `.pyc` was compiled from (PEP 3147; PEP 488 for `.opt-N`); older ones lie beside it."""
    directory, cache, name = bytecode.rpartition(_CACHE)
    if not cache:
        return bytecode[:-1]
    stem = name.removesuffix(".pyc")
    head, optimised, _ = stem.rpartition(".opt-")
    return f"{directory}/{(head if optimised else stem).rpartition('.')[0]}.py"


def _source_owners(owner_of: Mapping[str, int], directories: Set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for path, owner in owner_of.items():
        if path[-3:] == ".py":
            directory = path.rpartition("/")[0]
            if directory in directories and found.setdefault(directory, owner) != owner:
                found[directory] = _MIXED
    return found


def own_links(root: Root, owner_of: MutableMapping[str, int], shared: Set[str]) -> None:
    """Give symlinks in system directories and `node_modules/.bin` that no list names to the owner of their target.

    Such are update-alternatives(1)' links, a library's links made by ldconfig(8), npm's programs: they would dangle
    without it. `shared` paths, which several packages list, lead to nobody in particular.
    """
    for link in root.links:
        if link not in owner_of and (link.startswith(_LINKING) or _BIN in link):
            target = root.resolve(link)
            owner = owner_of.get(target)
            if owner is not None and target not in shared:
                owner_of[link] = owner


def own_directories(root: Root, owner_of: MutableMapping[str, int], shared: Set[str]) -> None:
    """Give each live directory to the one owner of all that is in it, `shared` ones (of several packages) to nobody.

    A directory that several have files in, or that has the application's, is the application's. An empty one belongs to
    the package that lists it.
    """
    inside: dict[str, int] = {}
    directories = []
    is_directory = (root.kinds == Kind.DIRECTORY).tolist()
    for path, row in root.live.items():
        if is_directory[row]:
            directories.append(path)
            continue
        parent = path.rpartition("/")[0]
        if inside.get(parent) != _MIXED:
            owner = owner_of.get(path, _APPLICATION)
            if inside.setdefault(parent, owner) != owner:
                inside[parent] = _MIXED
    # A directory's path is longer than that of any directory it is in.
    directories.sort(key=len, reverse=True)
    for path in directories:
        claim = _MIXED if path in shared else owner_of.get(path)
        votes = {vote for vote in (claim, inside.get(path)) if vote is not None}
        owner = votes.pop() if len(votes) == 1 else _MIXED if votes else _APPLICATION
        owner_of[path] = max(owner, _APPLICATION)
        parent = path.rpartition("/")[0]
        if path and inside.setdefault(parent, owner) != owner:
            inside[parent] = _MIXED
    # A symlink that packages list as a directory (/lib where /usr is merged) is nobody's in particular.
    for path in shared & root.links.keys():
        owner_of[path] = _APPLICATION
