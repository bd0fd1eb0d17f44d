"""The store: results as append-only JSON lines, `DIRECTORY/HOST-CLASS/YYYY-MM.jsonl`. No earlier line is ever touched.

Writers take turns by a lock on the file (flock(2)) and add whole lines by one write. A writer that was killed leaves at
most half a line at the end, which the next one closes; a line that is none is kept where it stands, told, and skipped.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from slimml.errors import AccessDenied, NotFound, SlimmlError, Unsupported
from slimml.history.result import Result, check

SUFFIX = ".jsonl"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DECODER = msgspec.json.Decoder(Result)
_SHOWN = 60


@dataclass(frozen=True)
class Damage:
    """A line that is no result: it stays in its file and enters no figure. `number` counts from 1."""

    path: Path
    number: int
    reason: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.number}: {self.reason}; it is kept and not counted: {self.text}"


@dataclass(frozen=True)
class Kept:
    """Everything that a store holds: results from the oldest, and the lines that are none."""

    results: list[Result]
    damaged: list[Damage]


def append(directory: Path, *results: Result) -> list[Result]:
    """Add results to the store, which is made where it is missing; those that are there already are left out.

    Returns what was added; it is on the disk then. All results of one host class and month appear together or not at
    all. Raises UsageError for a result that cannot be filed, AccessDenied, and SlimmlError for a full disk; whatever
    was in the store before is as it was.
    """
    for result in results:
        check(result)
    files: dict[Path, list[Result]] = {}
    for result in results:
        files.setdefault(path_of(directory, result), []).append(result)
    added: list[Result] = []
    for path, rows in files.items():
        try:
            added += _append(path, rows)
        except OSError as error:
            if error.errno in _FULL:
                raise SlimmlError(
                    f"{path}: no room for the new results ({error.strerror}); the earlier ones are as they were"
                ) from None
            raise AccessDenied(f"{path} cannot be written: {error.strerror}") from None
    return added


def path_of(directory: Path, result: Result) -> Path:
    """The file in which a result is kept."""
    return directory / result.host / f"{result.month}{SUFFIX}"


def files(directory: Path) -> list[Path]:
    """The store's files by host class and month; raises NotFound where there is no store."""
    if not directory.is_dir():
        raise NotFound(f"{directory} is no directory of results; slimml history add makes one")
    return sorted(directory.glob(f"*/*{SUFFIX}"))


def lines_of(path: Path) -> int:
    """How many lines a file of the store has, damaged ones too."""
    return len(_read_bytes(path).splitlines())


def load(
    directory: Path,
    *,
    image: str | None = None,
    host: str | None = None,
    engine: str | None = None,
    suite: str | None = None,
) -> list[Result]:
    """The results of a store from the oldest, those of one image, host class, engine or suite if wanted.

    Damaged lines are passed over: who shows results to people should tell of them (`read`). Raises as `read` does.
    """
    return [
        one
        for one in read(directory, host=host).results
        if image in (None, one.image) and engine in (None, one.engine) and suite in (None, one.suite)
    ]


def read(directory: Path, *, host: str | None = None) -> Kept:
    """Everything in a store, of one host class if wanted; what stands in two files (after a merge) is given once.

    Raises NotFound where there is no store, AccessDenied for a file that cannot be read.
    """
    results: dict[str, Result] = {}
    damaged: list[Damage] = []
    for path in files(directory):
        if host in (None, path.parent.name):
            for one in _lines(path, damaged):
                results.setdefault(one.id, one)
    return Kept(sorted(results.values(), key=lambda one: one.began), damaged)


@contextmanager
def locked(path: Path, *, make: bool) -> Iterator[int]:
    """The file, open to be read and appended to, while nobody else writes or moves it; `make` it where it is missing.

    Raises OSError, and Unsupported where the file system has no locks.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if make else 0)
    while True:
        handle = os.open(path, flags, 0o644)
        try:
            _lock(handle, path, fcntl.LOCK_EX)
            # While we waited it may have been moved to an archive; then there is a new one to be made.
            if _is_still(path, handle):
                yield handle
                return
        finally:
            os.close(handle)


def write_all(handle: int, data: bytes) -> None:
    """Append and sync; where that fails what was written of it is taken back. Raises OSError."""
    before = os.fstat(handle).st_size
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except OSError:
        with suppress(OSError):
            os.ftruncate(handle, before)
        raise


def _append(path: Path, results: Sequence[Result]) -> list[Result]:
    if path.parent.is_symlink():
        raise AccessDenied(f"{path.parent} is a link to another place; results are not written there")
    made = not path.parent.is_dir()
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path, make=True) as handle:
        there = _content(handle)
        new = [one for one in results if f'"id":"{one.id}"'.encode() not in there]
        if new:
            lines = b"".join(msgspec.json.encode(one) + b"\n" for one in new)
            # Half a line of a writer that was killed must not swallow ours.
            write_all(handle, lines if there.endswith(b"\n") or not there else b"\n" + lines)
    for place in (path.parent, *([path.parent.parent] if made else [])):
        sync_directory(place)
    return new


def _content(handle: int) -> bytes:
    with os.fdopen(os.dup(handle), "rb") as file:
        file.seek(0)
        return file.read()


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # A line that is being written is not half a line.
            _lock(file.fileno(), path, fcntl.LOCK_SH)
            return file.read()
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from None


def _lines(path: Path, damaged: list[Damage]) -> Iterator[Result]:
    decode = _DECODER.decode
    for number, line in enumerate(_read_bytes(path).splitlines(), 1):
        try:
            found = decode(line)
            datetime.fromisoformat(found.began)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            if line.strip():
                damaged.append(Damage(path, number, _reason(error, line), _start(line)))
        else:
            yield found


def _reason(error: Exception, line: bytes) -> str:
    if not line.startswith(b"{"):
        return "this is no result"
    if isinstance(error, msgspec.ValidationError):
        return f"this is no result that this version of slimml knows ({error})"
    return "this line was cut or damaged"


def _start(line: bytes) -> str:
    text = line.decode("utf-8", "backslashreplace")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _lock(handle: int, path: Path, how: int) -> None:
    try:
        fcntl.flock(handle, how)
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF):
            if how == fcntl.LOCK_SH:
                return
            raise Unsupported(
                f"{path}: this file system has no locks, so two writers could meet; use another"
            ) from None
        raise


def _is_still(path: Path, handle: int) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(handle))


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on the disk. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
