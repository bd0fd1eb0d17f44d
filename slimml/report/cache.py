"""The cache of layers and reports for a person or a program: what is there, and how much of its bound it takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slimml.report.sizes import counted, size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.inventory.kept_files import KeptFiles


@dataclass(frozen=True)
class CachedLayer:
    """One file of the cache; `used` is when it was last read, RFC 3339."""

    name: str
    bytes: int
    used: str


@dataclass(frozen=True)
class ShrunkFiles:
    """The directory of files that were made smaller, its bound in bytes, how many files there are and their bytes."""

    directory: str
    max_bytes: int
    files: int
    bytes: int


@dataclass(frozen=True)
class CacheReport:
    """The directory of layers, its bound in bytes, and its files, the least recently used first."""

    directory: str
    max_bytes: int
    entries: tuple[CachedLayer, ...]
    shrunk: ShrunkFiles


def cache_report(cache: KeptFiles, shrunk: KeptFiles) -> CacheReport:
    """What is in the two directories now."""
    entries = tuple(
        CachedLayer(entry.name, entry.size, datetime.fromtimestamp(entry.used, UTC).isoformat(timespec="seconds"))
        for entry in cache.entries()
    )
    sizes = [entry.size for entry in shrunk.entries()]
    files = ShrunkFiles(str(shrunk.directory), shrunk.max_bytes, len(sizes), sum(sizes))
    return CacheReport(str(cache.directory), cache.max_bytes, entries, files)


def render_cache(report: CacheReport, console: Console) -> None:
    """Print a line per file and the sum."""
    for entry in report.entries:
        console.print(f"{size(entry.bytes):>9}  {entry.used}  {visible(entry.name)}", soft_wrap=True)
    total = size(sum(entry.bytes for entry in report.entries))
    bound = f"{total} of at most {size(report.max_bytes)}"
    console.print(f"{counted(len(report.entries), 'file')}, {bound}, in {visible(report.directory)}", soft_wrap=True)
    made = report.shrunk
    bound = f"{size(made.bytes)} of at most {size(made.max_bytes)}"
    where = visible(made.directory)
    console.print(f"{counted(made.files, 'file')} of files made smaller, {bound}, in {where}", soft_wrap=True)
