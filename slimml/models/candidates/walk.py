"""The files of a directory in which models may lie, and what each is."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slimml.models.kind import kind_of
from slimml.models.model_file import Format
from slimml.models.unsuitable import Unsuitable

_PIECE = 1 << 20


@dataclass(frozen=True)
class Found:
    """A model file; `damage` says why it is not to be touched, "" when it may be, and `format` is None only then."""

    path: Path
    format: Format | None
    bytes: int
    damage: str = ""


def files_of(source: Path) -> Iterator[Path]:
    """The plain files beneath a directory in the order of their names, or the one file; links are not followed."""
    if not source.is_dir():
        yield source
        return
    for place, directories, names in os.walk(source):
        directories.sort()
        for name in sorted(names):
            path = Path(place) / name
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def models_of(source: Path) -> Iterator[Found]:
    """The models among them."""
    for path in files_of(source):
        size = path.stat().st_size
        try:
            kind = kind_of(path)
        except Unsuitable as unsuitable:
            yield Found(path, None, size, str(unsuitable))
        except OSError as error:
            yield Found(path, None, size, f"it cannot be read ({error.strerror})")
        else:
            if kind is not None:
                yield Found(path, kind, size)


def digest_of(path: Path) -> str:
    """SHA-256 of the content."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            found.update(piece)
    return found.hexdigest()
