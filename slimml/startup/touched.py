"""Which files a start opened and read, whose they are, how many bytes and pages of them came into memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.startup.processes import SharedObject, is_shared_object

if TYPE_CHECKING:
    from slimml.bench.page_cache import Residency
    from slimml.startup.notes import Notes
    from slimml.startup.processes import Seen

_OUTSIDE = ("/proc/", "/sys/", "/dev/", "/slimml-")


@dataclass(frozen=True)
class Library:
    """A shared object that was loaded. `bytes` is its size, `resident` what of it was in memory; None: not known."""

    path: str
    owner: str
    bytes: int | None
    resident: int | None


@dataclass(frozen=True)
class Touched:
    """`opened` counts files that Python itself opened, `opened_bytes` their sizes as far as they are known.
    `read_bytes` of `image_bytes` came from a cold disk into memory, in `read_pages` pages of `page` bytes, of
    `read_files` files; None where nobody could see that (a warm start, not root).
    """

    opened: int
    opened_bytes: int
    libraries: tuple[Library, ...]
    page: int = mmap.PAGESIZE
    read_files: int | None = None
    read_bytes: int | None = None
    read_pages: int | None = None
    image_bytes: int | None = None
    by_owner: tuple[tuple[str, int], ...] = ()
    """bytes that came into memory by owner, the most first; where nobody saw that, the sizes of opened files"""


def touched(
    notes: Notes,
    seen: Seen | None,
    files: Residency | None,
    end: float,
    size_of: Callable[[str], int | None],
    owner_of: Callable[[str], str],
) -> Touched:
    """What was touched until `end` (time.perf_counter()). `size_of` and `owner_of` tell of absolute paths."""
    opened = [path for path, at in notes.opened.items() if at <= end and not path.startswith(_OUTSIDE)]
    sizes = {path: size for path in opened if (size := size_of(path)) is not None}
    mapped: Iterable[SharedObject] = (
        seen.libraries if seen else (SharedObject(path) for path in sorted(notes.mapped) if is_shared_object(path))
    )
    libraries = tuple(Library(one.path, owner_of(one.path), size_of(one.path), one.resident) for one in mapped)
    if files is None:
        owners = _by_owner(sizes.items(), owner_of)
        return Touched(len(sizes), sum(sizes.values()), libraries, by_owner=owners)
    return Touched(
        opened=len(sizes),
        opened_bytes=sum(sizes.values()),
        libraries=libraries,
        read_files=len(files.files),
        read_bytes=files.resident_bytes,
        read_pages=sum(-(-file.resident_bytes // mmap.PAGESIZE) for file in files.files),
        image_bytes=files.bytes,
        by_owner=_by_owner(((file.path, file.resident_bytes) for file in files.files), owner_of),
    )


def _by_owner(files: Iterable[tuple[str, int]], owner_of: Callable[[str], str]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for path, size in files:
        owner = owner_of(path) or "nobody known"
        found[owner] = found.get(owner, 0) + size
    return tuple(sorted(found.items(), key=lambda item: (-item[1], item[0])))
