"""Work on files that the keeper does in a child, with the rights of its namespaces: read, look, own, put, remove."""

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from slimml.errors import InvalidImage

Chore = Callable[[dict[str, Any], list[int]], None]
_PIECE = 1 << 20
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def remove_tree(path: str) -> None:
    """Remove a directory with all in it; what cannot be removed stays, and so does all of it while it holds a mount."""
    if not mounts_beneath(path):
        shutil.rmtree(path, ignore_errors=True)


def mounts_beneath(directory: str) -> list[str]:
    """What is mounted below `directory` in this mount namespace, in the order of mounting (proc(5), mountinfo)."""
    with open("/proc/self/mountinfo", "rb") as mounts:
        points = [line.split()[4].decode("unicode_escape").encode("latin-1") for line in mounts]
    return [os.fsdecode(point) for point in points if point.startswith(os.fsencode(directory) + b"/")]


def _remove(request: dict[str, Any], _: list[int]) -> None:
    for path in request["paths"]:
        remove_tree(path)


def _read(request: dict[str, Any], descriptors: list[int]) -> None:
    """The files at and below `path` of `root`, into a pipe: for each a line of JSON, then its bytes."""
    from slimml.engine.bare.root import Root

    with open(os.dup(descriptors[0]), "wb") as out, Root(Path(request["root"])) as root, suppress(InvalidImage):
        for path, descriptor in _regular_files(root, request["path"]):
            with open(descriptor, "rb") as file:
                left = os.fstat(file.fileno()).st_size
                out.write(json.dumps([path, left]).encode() + b"\n")
                while left:
                    piece = file.read(min(left, _PIECE)) or bytes(min(left, _PIECE))  # it shrank meanwhile
                    out.write(piece)
                    left -= len(piece)


def _status(request: dict[str, Any], descriptors: list[int]) -> None:
    """What is at `path` of `root`, as JSON into a pipe: mode, user, group and bytes; nothing where nothing is."""
    from slimml.engine.bare.root import Root

    nothing = suppress(FileNotFoundError, NotADirectoryError, InvalidImage)
    with open(os.dup(descriptors[0]), "wb") as out, Root(Path(request["root"])) as root, nothing:
        state = root.status(request["path"])
        out.write(json.dumps([state.st_mode, state.st_uid, state.st_gid, state.st_size]).encode())


def _regular_files(root: Any, path: str) -> Iterator[tuple[str, int]]:
    with suppress(FileNotFoundError):
        found = root.open_file(path)
        if found is not None:
            yield "/" + path.strip("/"), found
            return
        opened = root.open_directory(path, make=False)
        try:
            for above, _, names, directory in os.fwalk(".", dir_fd=opened):
                for name in sorted(names):
                    with suppress(OSError):
                        if stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                            full = os.path.normpath(f"/{path}/{above}/{name}").replace("//", "/")
                            yield full, os.open(name, _FILE, dir_fd=directory)
        finally:
            os.close(opened)


def _own(request: dict[str, Any], descriptors: list[int]) -> None:
    """Give entries of `root` the owners, modes and capabilities that only this namespace can give them."""
    from slimml.engine.bare.root import Root

    with open(os.dup(descriptors[0]), "rb") as lines, Root(Path(request["root"])) as root:
        for line in lines:
            path, user, group, mode, capability = json.loads(line)
            with suppress(OSError, InvalidImage):
                root.own(path, user, group, mode, bytes.fromhex(capability))


def _put(request: dict[str, Any], descriptors: list[int]) -> None:
    """Unpack the tar that comes out of a pipe onto `root`, with the owners that this namespace can give."""
    from slimml.engine.bare.root import Root
    from slimml.engine.bare.unpack import LayerWriter, Unpacked
    from slimml.oci.tar.reader import TarReader

    unpacked = Unpacked()
    with open(os.dup(descriptors[0]), "rb", buffering=0) as source, Root(Path(request["root"])) as root:
        # One user that has no number here must not end it all: owners come last, one by one.
        writer = LayerWriter(root, unpacked, privileges=True, owners=False)
        reader = TarReader(writer, "what is put into a container")
        try:
            while piece := source.read(_PIECE):
                reader.feed(piece)
            reader.finish()
        finally:
            writer.close()
        for path, rights in unpacked.rights.items():
            with suppress(OSError, InvalidImage):
                root.own(path, *rights)


def _make_directory(request: dict[str, Any], _: list[int]) -> None:
    """The directory at `path` of `root`, with what is missing above it."""
    from slimml.engine.bare.root import Root

    with Root(Path(request["root"])) as root:
        os.close(root.open_directory(request["path"], make=True))


CHORES: dict[str, Chore] = {
    "remove": _remove,
    "read": _read,
    "own": _own,
    "put": _put,
    "status": _status,
    "make directory": _make_directory,
}
