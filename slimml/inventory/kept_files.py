"""A bounded directory of files that can be made again, shared by several runs: the least recently used go first.

Files are written beside and renamed. A damaged file counts as absent, so that no write has to wait for the disk.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from slimml.errors import UsageError

DEFAULT_BYTES = 1 << 30
SHRUNK_BYTES = 4 << 30
SUFFIXES = (".layer", ".report", ".shrunk", ".content", ".digests")

T = TypeVar("T")


@dataclass(frozen=True)
class KeptFile:
    """One file. `used` is when it was last read, in seconds since the epoch."""

    name: str
    size: int
    used: float


class KeptFiles:
    """A directory of at most `max_bytes`. Failing to write (a full disk, no permission) is no error."""

    def __init__(self, directory: Path, max_bytes: int = DEFAULT_BYTES) -> None:
        self.directory, self.max_bytes = directory, max_bytes

    def read(self, name: str, load: Callable[[IO[bytes]], T], damage: tuple[type[Exception], ...]) -> T | None:
        """What `load` makes of the file, None when it is absent, or is damaged: when `load` raises one of `damage`."""
        path = self.directory / name
        damaged: tuple[type[Exception], ...] = (OSError, *damage)
        try:
            with path.open("rb") as file:
                found = load(file)
        except FileNotFoundError:
            return None
        except damaged:
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def write(self, name: str, dump: Callable[[IO[bytes]], None]) -> None:
        """Keep what `dump` writes, then prune. `name` ends in one of SUFFIXES."""
        path = self.directory / name
        beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with beside.open("xb") as file:
                dump(file)
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            return
        self.prune(self.max_bytes)

    def adopt(self, name: str, file: Path) -> None:
        """Keep a file that exists, by another link where that is possible, then prune; nobody may write to it again."""
        path = self.directory / name
        beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _link_or_copy(file, beside)
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            return
        self.prune(self.max_bytes)

    def lend(self, name: str, target: Path) -> bool:
        """Give a file that is kept the name `target` as well, which is not for writing; whether there was one."""
        path = self.directory / name
        try:
            _link_or_copy(path, target)
            os.utime(path)
        except OSError:
            with suppress(OSError):
                target.unlink()
            return False
        return True

    def forget(self, name: str) -> None:
        """Remove a file, which need not be there."""
        with suppress(OSError):
            (self.directory / name).unlink()

    def entries(self) -> list[KeptFile]:
        """What is there, the least recently used first."""
        found = []
        with suppress(OSError):
            for item in self.directory.iterdir():
                with suppress(OSError):
                    facts = item.stat()
                    if item.name.endswith(SUFFIXES) or any(f"{suffix}." in item.name for suffix in SUFFIXES):
                        found.append(KeptFile(item.name, facts.st_size, facts.st_mtime))
        return sorted(found, key=lambda entry: entry.used)

    def prune(self, max_bytes: int) -> int:
        """Remove the least recently used until at most `max_bytes` stay; the bytes removed."""
        entries = self.entries()
        total = sum(entry.size for entry in entries)
        removed = 0
        for entry in entries:
            if total - removed <= max_bytes:
                break
            with suppress(OSError):
                (self.directory / entry.name).unlink()
            removed += entry.size
        return removed

    def clear(self) -> int:
        """Remove everything; the bytes removed."""
        return self.prune(-1)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copyfile(source, target)


def default_directory() -> KeptFiles:
    """The user's cache: SLIMML_CACHE_DIR, else slimml in XDG_CACHE_HOME or ~/.cache; SLIMML_CACHE_BYTES bounds it."""
    return _directory("layers", DEFAULT_BYTES)


def shrunk_directory() -> KeptFiles:
    """The same for files that were made smaller; they lie in a directory of their own, with room for more."""
    return _directory("shrunk", SHRUNK_BYTES)


def _directory(name: str, default: int) -> KeptFiles:
    named = os.environ.get("SLIMML_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    size = os.environ.get("SLIMML_CACHE_BYTES", str(default))
    if not size.isdigit():
        raise UsageError(f"SLIMML_CACHE_BYTES={size!r} is not a number of bytes")
    if named and name != "layers":
        return KeptFiles(Path(named) / name, int(size))
    return KeptFiles(Path(named) if named else base / "slimml" / name, int(size))
