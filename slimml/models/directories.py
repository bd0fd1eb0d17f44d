"""Looks for models in a directory of this machine: links are not followed, special files not opened."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

from slimml.errors import SlimmlError, UsageError
from slimml.models.content import Content
from slimml.models.listing import Listing, Passed, put_together
from slimml.models.model_file import ModelFile
from slimml.models.recognise import SMALLEST, recognise
from slimml.oci.beneath import directory, open_file, told
from slimml.progress import SILENT, Progress

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PIECE: Final = 1 << 20


class _File(NamedTuple):
    path: str
    size: int
    inode: tuple[int, int]
    model: ModelFile | None


def list_directory(root: Path, progress: Progress = SILENT) -> Listing:
    """The models beneath `root`. A file that cannot be opened, or goes meanwhile, counts as no model.

    Raises NotFound and AccessDenied for the directory itself.
    """
    with progress.task("looking at files") as task:
        files = []
        for one in _files(root):
            files.append(one)
            task.advance(one.size)
    # Two names of one inode are one content, and take its bytes once.
    first: dict[tuple[int, int], str] = {}
    for one in files:
        first.setdefault(one.inode, one.path)
    sizes: dict[int, int] = {}
    for one in files:
        sizes[one.size] = sizes.get(one.size, 0) + (first[one.inode] == one.path)
    parts = _parts(files)
    passed = []
    for one in files:
        wanted = one.model is not None or one.path in parts
        twice = wanted and sizes[one.size] > 1 and first[one.inode] == one.path
        passed.append(Passed(one.path, one.size, _digest(root, one.path) if twice else None, one.model))
    return put_together(passed, {one.path: one.size for one in files})


def list_file(path: Path) -> Listing:
    """The model in one file, as a listing of it alone; raises as `look_at`."""
    model, size = look_at(path), path.stat().st_size
    return put_together([Passed(path.name, size, None, model)], {path.name: size})


def look_at(path: Path) -> ModelFile | None:
    """The model in the file that a user named, None where it is none; raises NotFound, AccessDenied, UsageError."""
    try:
        with open(path, "rb", buffering=0, opener=lambda name, _: os.open(name, _FLAGS & ~os.O_NOFOLLOW)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UsageError(f"{path} is not a file; slimml models list looks into directories")
            return recognise(Content.of(file), path.name)
    except OSError as error:
        if error.errno == errno.EISDIR:
            raise UsageError(f"{path} is a directory; slimml models list looks into those") from None
        raise told(error, str(path)) from None


def _parts(files: list[_File]) -> set[str]:
    """Files that models name, roughly: by their last component."""
    names = {external.path.rpartition("/")[2] for one in files if one.model for external in one.model.external}
    return {one.path for one in files if one.path.rpartition("/")[2] in names}


def _files(root: Path) -> Iterator[_File]:
    """Every regular file beneath `root`, with the model in it."""

    def failed(error: OSError) -> None:
        if error.filename == str(root):
            raise told(error, str(root)) from None

    for above, directories, names, descriptor in os.fwalk(root, onerror=failed, follow_symlinks=False):
        directories.sort()
        relative = os.path.relpath(above, root)
        for name in sorted(names):
            path = name if relative == "." else f"{relative}/{name}"
            with suppress(OSError):
                found = _look(path, name, descriptor)
                if found is not None:
                    yield found


def _look(path: str, name: str, above: int) -> _File | None:
    facts = os.stat(name, dir_fd=above, follow_symlinks=False)
    if not stat.S_ISREG(facts.st_mode):
        return None
    if facts.st_size < SMALLEST:
        return _File(path, facts.st_size, (facts.st_dev, facts.st_ino), None)
    with os.fdopen(os.open(name, _FLAGS, dir_fd=above), "rb", buffering=0) as file:
        model = recognise(Content.of(file), name)
    return _File(path, facts.st_size, (facts.st_dev, facts.st_ino), model)


def _digest(root: Path, path: str) -> bytes | None:
    found = xxhash.xxh3_128()
    try:
        with directory(str(root)) as top, os.fdopen(open_file(top, path, path), "rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                found.update(piece)
    except (OSError, SlimmlError):
        return None
    return found.digest()
