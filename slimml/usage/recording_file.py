"""Recordings as files: JSON lines, the first about the recording, one for each use after it; `slimml.recording/1`.

Recordings may come from strangers: what is read is bounded, and every member is checked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from slimml.errors import InvalidImage
from slimml.oci import documents
from slimml.oci.beneath import directory, told
from slimml.oci.beside import BesideFile
from slimml.oci.digest import parse_digest
from slimml.usage.recording import Operation, Recording, Seen, Use, Workload

SCHEMA = "slimml.recording/1"
"""the number is raised when a member is taken away or changes its meaning; new members do not raise it"""
_HEADER_BYTES = 4 << 20
_LINE_BYTES = 64 << 10
"""a path has at most 4096 bytes, each at most six as an escape, and there are two in a line"""
_MOST_USES = 5_000_000
_MOST_WORDS = 10_000
_MOST_USER = (1 << 32) - 1
_PIECE = 1 << 18


def save_recording(recording: Recording, path: Path) -> None:
    """Write `recording` to `path`, whole or not at all; raises AccessDenied, NotFound, SlimmlError (disk full)."""
    with directory(str(path.parent)) as root, BesideFile(root, str(path)) as file:
        waiting: list[bytes] = []
        size = 0
        for line in _lines(recording):
            waiting.append(line)
            size += len(line)
            if size >= _PIECE:
                file.write(b"".join(waiting))
                waiting, size = [], 0
        file.write(b"".join(waiting))
        file.publish(path.name)


def load_recording(path: Path) -> Recording:
    """The recording in `path`; raises NotFound, AccessDenied, InvalidImage for what is no whole recording."""
    try:
        with path.open("rb") as file:
            return _read(file, str(path))
    except OSError as error:
        raise told(error, str(path)) from None


def _lines(recording: Recording) -> Iterator[bytes]:
    header: dict[str, Any] = {"schema": SCHEMA, "count": len(recording.uses)}
    header |= {name: value for name, value in vars(recording).items() if name != "uses"}
    header["seen"] = [asdict(seen) for seen in recording.seen]
    header["workloads"] = [asdict(workload) for workload in recording.workloads]
    yield _line(header)
    for use in recording.uses:
        found: dict[str, Any] = {"path": use.path, "operations": operation_names(use.operations), "first": use.first}
        found |= {name: text for name in ("process", "requested") if (text := getattr(use, name))}
        yield _line(found)


def _line(value: Mapping[str, Any]) -> bytes:
    # Everything beyond ASCII is escaped, bytes of paths that are not UTF-8 (surrogates) too.
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def operation_names(operations: Operation) -> list[str]:
    """Their names in the file, in the order of their numbers."""
    return [str(one.name).lower() for one in Operation if one in operations]


def _read(file: IO[bytes], what: str) -> Recording:
    line = file.readline(_HEADER_BYTES)
    if not line.endswith(b"\n"):
        raise InvalidImage(f"{what}: this is no {SCHEMA}")
    header = documents.load_object(line, what)
    if header.get("schema") != SCHEMA:
        raise InvalidImage(f"{what}: this is no {SCHEMA}; record again, or use the slimml that wrote it")
    count = header.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= _MOST_USES:
        raise InvalidImage(f"{what}: its count of uses is none from 0 to {_MOST_USES}")
    uses = tuple(_uses(file, what, count))
    return Recording(
        image=str(parse_digest(documents.text(header, "image", what))),
        diff_ids=tuple(str(parse_digest(text)) for text in _words(header, "diff_ids", what)),
        platform=documents.text(header, "platform", what),
        uses=uses,
        seen=tuple(
            Seen(documents.text(one, "recorder", what), _words(one, "blind", what))
            for one in _objects(header, "seen", what)
        ),
        workloads=tuple(
            Workload(documents.text(one, "origin", what), _words(one, "parts", what))
            for one in _objects(header, "workloads", what)
        ),
        lost=_words(header, "lost", what),
        syscalls=_words(header, "syscalls", what),
        users=_users(header, what),
        hosts=_words(header, "hosts", what),
    )


def _uses(file: IO[bytes], what: str, count: int) -> Iterator[Use]:
    names = {str(one.name).lower(): one for one in Operation}
    known = set()
    for number in range(count):
        where = f"{what}, line {number + 2}"
        line = file.readline(_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise InvalidImage(f"{where}: the recording is cut off or damaged there; record again")
        found = documents.load_object(line, where)
        path = _path(documents.text(found, "path", where), where)
        if path in known:
            raise InvalidImage(f"{where}: {path[:200]!r} is there twice")
        known.add(path)
        operations = Operation(0)
        for name in _words(found, "operations", where):
            if name not in names:
                raise InvalidImage(f"{where}: {name[:80]!r} is no operation")
            operations |= names[name]
        requested = documents.text(found, "requested", where, default="")
        yield Use(
            path,
            operations,
            _seconds(found, where),
            number,
            documents.text(found, "process", where, default=""),
            _path(requested, where, parents=True),
        )
    if file.read(1):
        raise InvalidImage(f"{what}: more follows the {count} uses that it says it has")


def _path(text: str, what: str, *, parents: bool = False) -> str:
    """A path as uses have it; what programs asked for may go through `..`."""
    parts = text.split("/")
    if text and ("\0" in text or "" in parts or "." in parts or (".." in parts and not parents)):
        raise InvalidImage(f"{what}: {text[:200]!r} is no path beneath a root")
    return text


def _seconds(found: Mapping[str, Any], what: str) -> float:
    first = found.get("first")
    if isinstance(first, bool) or not isinstance(first, int | float) or not math.isfinite(first):
        raise InvalidImage(f"{what}: its time is no number of seconds")
    return float(first)


def _words(obj: Mapping[str, Any], key: str, what: str) -> tuple[str, ...]:
    found = documents.sequence(obj, key, what)
    if len(found) > _MOST_WORDS or not all(isinstance(word, str) for word in found):
        raise InvalidImage(f"{what}: {key} is no list of at most {_MOST_WORDS} texts")
    return tuple(found)


def _objects(obj: Mapping[str, Any], key: str, what: str) -> tuple[Mapping[str, Any], ...]:
    found = documents.sequence(obj, key, what)
    if len(found) > _MOST_WORDS or not all(isinstance(one, Mapping) for one in found):
        raise InvalidImage(f"{what}: {key} is no list of at most {_MOST_WORDS} objects")
    return tuple(found)


def _users(header: Mapping[str, Any], what: str) -> tuple[int, ...]:
    found = documents.sequence(header, "users", what)
    for user in found:
        if isinstance(user, bool) or not isinstance(user, int) or not 0 <= user <= _MOST_USER:
            raise InvalidImage(f"{what}: users are no user IDs")
    return tuple(found)
