"""Native files of a directory made smaller, for people who are not in an image: into a copy, or in place.

Nothing changes before all of it is made: a copy appears whole, and in place each file's original is kept in a directory
beside, from which everything is put back when something fails on the way.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.errors import NotFound, Refused
from slimml.native.licence import UNKNOWN, Kind, file_licences, is_vendor_library
from slimml.oci.beneath import directory, told
from slimml.oci.beside import BesideDirectory
from slimml.oci.digest import Digest
from slimml.progress import SILENT, Progress
from slimml.slim.databases.python import record_edit
from slimml.slim.replacing.gpu import GpuArchitectures
from slimml.slim.replacing.offer import Smaller
from slimml.slim.replacing.strip import Strip
from slimml.slim.replacing.worker import Job
from slimml.slim.replacing.workers import Workers

if TYPE_CHECKING:
    from slimml.native.licence import Licence
    from slimml.slim.replacing.remembered import Result
    from slimml.slim.replacing.shrinker import Shrinker

_MAGIC = b"\x7fELF"
BACKUP = ".before-slimml"
"""what the name of the directory with the originals ends in"""


@dataclass(frozen=True)
class Trimmed:
    """A file that became smaller: its path relative to the directory, bytes before and after, and what was done."""

    path: str
    before: int
    after: int
    did: str


@dataclass(frozen=True)
class TrimmedDirectory:
    """`files` became smaller. `left` says of others why not, by path; `licences` of those with GPU code that a licence
    protects. `target` has the result, `backup` the originals (None for a copy). `before` and `after` are all bytes.
    """

    target: Path
    backup: Path | None
    files: tuple[Trimmed, ...]
    left: Mapping[str, str]
    licences: Mapping[str, str]
    before: int
    after: int


def trim_directory(
    source: Path,
    target: Path | None,
    targets: Sequence[int],
    *,
    strip: bool = False,
    modify_proprietary: bool = False,
    progress: Progress = SILENT,
) -> TrimmedDirectory:
    """Make the native files below `source` smaller: into a copy at `target`, which must not be there yet, or in place.

    `targets` are compute capabilities times ten whose GPU code stays; none: GPU code is not looked at. The RECORD of
    each distribution follows. Raises NotFound, AccessDenied, and Refused where nothing becomes smaller or where the
    copy or the backup is there already; then nothing was changed.
    """
    source = source.resolve()
    if not source.is_dir():
        raise NotFound(f"{source} is no directory")
    place = target.absolute() if target else source.with_name(source.name + BACKUP)
    if place.exists() or place.is_symlink():
        raise Refused(f"{place} exists already; move it away, or name another directory with --output")
    if place.is_relative_to(source):
        raise Refused(f"{place} lies in {source}, which it is to be a copy of")
    licences = {} if modify_proprietary else file_licences(source)
    with directory(str(place.parent)) as root, BesideDirectory(root, str(place)) as beside:
        work = place.parent / beside.name
        results = _shrink(source, work, targets, strip, None if modify_proprietary else licences, progress)
        made = {path: result for path, result in results.done.items() if result.did}
        if not made:
            raise Refused(f"{source}: nothing in it becomes smaller")
        _put_records(source, work, made)
        sizes = {path: (source / path).stat().st_size for path in made}
        total = sum(file.stat().st_size for file in _files(source))
        less = sum((source / new.relative_to(work)).stat().st_size - new.stat().st_size for new in _files(work))
        if target:
            _complete(source, work)
            if not beside.publish(place.name):
                raise Refused(f"{place} appeared meanwhile; name another directory with --output")
        else:
            _swap(source, work, place)
    files = tuple(Trimmed(path, sizes[path], made[path].size, "; ".join(made[path].did.values())) for path in made)
    return TrimmedDirectory(
        target=place if target else source,
        backup=None if target else place,
        files=files,
        left={path: "; ".join(it.left.values()) for path, it in results.done.items() if not it.did},
        licences=results.protected,
        before=total,
        after=total - less,
    )


@dataclass(frozen=True)
class _Results:
    done: dict[str, Result]
    protected: dict[str, str]


def _files(source: Path) -> Iterator[Path]:
    """Regular files below a directory; links are not followed."""
    for place, directories, names in os.walk(source):
        directories.sort()
        for name in sorted(names):
            path = Path(place, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _shrink(
    source: Path,
    work: Path,
    targets: Sequence[int],
    strip: bool,
    licences: Mapping[str, Licence] | None,
    progress: Progress,
) -> _Results:
    """Make each native file smaller, at its place in `work`."""
    gpu = GpuArchitectures(tuple(targets), ())
    found = _Results({}, {})
    with Workers() as workers, progress.task("making files smaller") as task:
        for file in native_files(source):
            path = file.relative_to(source).as_posix()
            shrinkers: list[Shrinker] = []
            if targets:
                licence = UNKNOWN if licences is None else licences.get(path, UNKNOWN)
                if licences is None or licence.may_be_changed:
                    shrinkers.append(gpu)
                elif _has_gpu_code(file):
                    found.protected[path] = licence.name
            if strip and not (licences is not None and _forbids(licences.get(path, UNKNOWN), path)):
                shrinkers.append(Strip())
            if shrinkers:
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                size = file.stat().st_size

                def done(result: Result, path: str = path, size: int = size) -> None:
                    found.done[path] = result
                    task.advance(size)

                workers.submit(Job(file, work / path, tuple(shrinkers)), done)
        workers.finish()
    for path, result in found.done.items():
        if result.did:
            _make_like(source / path, work / path)
    return _Results(dict(sorted(found.done.items())), found.protected)


def native_files(source: Path) -> Iterator[Path]:
    """ELF files below a directory, links not followed; raises AccessDenied."""
    return (file for file in _files(source) if _is_native(file))


def _is_native(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise told(error, str(file)) from None


def _forbids(licence: Licence, path: str) -> bool:
    """Whether changed copies are known to be forbidden, so that not even symbols are taken out."""
    return licence.kind is Kind.PROPRIETARY or is_vendor_library(path)


def _has_gpu_code(file: Path) -> bool:
    from slimml.errors import Unsupported
    from slimml.native.inspect import inspect_file

    try:
        return inspect_file(file).gpu_bytes > 0
    except Unsupported:
        return False


def _put_records(source: Path, work: Path, made: Mapping[str, Result]) -> None:
    """Write the RECORD of each distribution that has one of the files, as it is to be."""
    new = {path: _smaller(work / path, result) for path, result in made.items()}
    for info in sorted(source.rglob("*.dist-info")):
        record = info / "RECORD"
        if not record.is_file() or record.is_symlink():
            continue
        site = info.parent.relative_to(source).as_posix()
        content = record.read_bytes()
        edit = record_edit(content, "" if site == "." else site, frozenset(), new)
        if edit is not None:
            target = work / record.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(edit.apply(content))
            _make_like(record, target)


def _make_like(old: Path, new: Path) -> None:
    """Owner, mode, times and extended attributes of a file for another."""
    facts = old.stat()
    with suppress(PermissionError):
        os.chown(new, facts.st_uid, facts.st_gid)
    shutil.copystat(old, new)


def _smaller(path: Path, result: Result) -> Smaller:
    return Smaller(path, result.size, Digest(f"sha256:{result.sha256}"), result.sha1, result.md5, Digest(""))


def _complete(source: Path, work: Path) -> None:
    """Copy what did not change into `work`, and give the directories there the source's modes and times."""
    try:
        for place, directories, names in os.walk(source):
            here = work / Path(place).relative_to(source)
            here.mkdir(exist_ok=True)
            for name in (*names, *(one for one in directories if Path(place, one).is_symlink())):
                kind = Path(place, name).lstat().st_mode
                if not (here / name).exists() and (stat.S_ISREG(kind) or stat.S_ISLNK(kind)):
                    shutil.copy2(Path(place, name), here / name, follow_symlinks=False)
        for place, _, _ in os.walk(source, topdown=False):
            shutil.copystat(place, work / Path(place).relative_to(source))
    except OSError as error:
        raise told(error, str(error.filename or work)) from None


def _swap(source: Path, work: Path, backup: Path) -> None:
    """Put the files of `work` into their places, the originals into `backup`; all of it or nothing."""
    swapped: list[Path] = []
    backup.mkdir()
    try:
        for new in list(_files(work)):
            path = new.relative_to(work)
            (backup / path).parent.mkdir(parents=True, exist_ok=True)
            swapped.append(path)
            (source / path).rename(backup / path)
            new.rename(source / path)
    except BaseException as error:
        for path in reversed(swapped):
            with suppress(FileNotFoundError):
                (backup / path).rename(source / path)
        shutil.rmtree(backup, ignore_errors=True)
        if isinstance(error, OSError):
            raise told(error, str(source)) from None
        raise
