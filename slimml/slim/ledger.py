"""The ledger: what was removed or changed, entry by entry, and why. JSON, schema `slimml.ledger/1`, the same each time.

The file is one JSON object, laid out so that it can be written and read line by line: its first line holds everything
but the entries, then comes one entry a line. The result is known by its layers: the image itself names the ledger's
digest in a label, so that the ledger cannot name the image's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci import documents
from slimml.oci.digest import Digest, parse_digest
from slimml.oci.limits import DEFAULT_LIMITS, Limits

SCHEMA = "slimml.ledger/1"

_ENTRIES = '"entries":['
_MODES = 0o7777


class Done(StrEnum):
    """What happened to an entry."""

    DROPPED = "dropped"
    """it is gone"""
    LINKED = "linked"
    """it is a hard link of `link` now"""
    EDITED = "edited"
    """its content (of a symlink: its target) is another"""
    REPLACED = "replaced"
    """its content was made smaller; a hard link whose content was has an entry of its own"""


@dataclass(frozen=True)
class LedgerEntry:
    """One entry of the source. `layer` counts its layers from 0 at the bottom, `path` is relative to the root.

    `size` is the content's, in bytes. `live` says that a container saw it. `sha256` is the content's digest before
    (None where there is none), `after` and `after_size` are those of an edited or replaced file.
    """

    layer: int
    path: str
    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    link: str
    live: bool
    done: Done
    rule: str
    risk: str
    reason: str
    sha256: Digest | None = None
    after: Digest | None = None
    after_size: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object; members that say nothing are left out."""
        return {key: value for key, value in asdict(self).items() if value is not None and value != ""}


@dataclass(frozen=True)
class Side:
    """An image as the ledger knows it: `layers` are blobs, `diff_ids` their tars. Bytes are those of the blobs."""

    diff_ids: tuple[Digest, ...]
    layers: tuple[Digest, ...]
    compressed_bytes: int
    disk_bytes: int
    manifest: Digest | None = None
    config: Digest | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Ledger:
    """Everything done to `source`. `version` is slimml's; `removed` the digest of the removed content, if kept."""

    version: str
    options: Mapping[str, Any]
    source: Side
    result: Side
    removed: Digest | None
    notes: tuple[str, ...]
    dangling: tuple[str, ...]
    entries: Sequence[LedgerEntry] = field(default=())


def ledger_lines(ledger: Ledger, entries: Iterable[LedgerEntry] | None = None) -> Iterator[bytes]:
    """The file, line by line. `entries` replace the ledger's own, so that they need not be in memory."""
    head = {
        "schema": SCHEMA,
        "tool": {"name": "slimml", "version": ledger.version},
        "options": dict(ledger.options),
        "source": ledger.source.to_json(),
        "result": ledger.result.to_json(),
        "removed": ledger.removed,
        "notes": list(ledger.notes),
        "dangling": list(ledger.dangling),
    }
    yield f"{_dump(head)[:-1]},{_ENTRIES}".encode()
    before = "\n"
    for entry in ledger.entries if entries is None else entries:
        yield f"{before}{_dump(entry.to_json())}".encode()
        before = ",\n"
    yield b"\n]}\n"


def read_ledger(lines: Iterable[bytes], limits: Limits = DEFAULT_LIMITS) -> Ledger:
    """The ledger in a file's lines; raises InvalidImage, LimitExceeded."""
    what = "the ledger"
    rows = iter(lines)
    first = next(rows, b"").rstrip()
    if not first.endswith(_ENTRIES.encode()):
        raise InvalidImage(f"{what} does not begin as slimml writes it")
    head = documents.load_object(first + b"]}", what, limits)
    if head.get("schema") != SCHEMA:
        raise InvalidImage(f"{what} has schema {str(head.get('schema'))[:60]!r}, this slimml reads {SCHEMA}")
    entries: list[LedgerEntry] = []
    ended = False
    for line in rows:
        if line.strip() == b"]}":
            ended = True
            break
        if len(entries) >= limits.members:
            raise LimitExceeded(f"{what} has more than {limits.members} entries", "members")
        entries.append(_entry(documents.load_object(line.rstrip().removesuffix(b","), what, limits), what))
    if not ended:
        raise InvalidImage(f"{what} is cut off after {len(entries)} entries")
    tool = documents.mapping(head, "tool", what)
    removed = head.get("removed")
    return Ledger(
        version=documents.text(tool, "version", what),
        options=documents.mapping(head, "options", what),
        source=_side(documents.mapping(head, "source", what), what),
        result=_side(documents.mapping(head, "result", what), what),
        removed=parse_digest(removed) if removed is not None else None,
        notes=tuple(str(note) for note in documents.sequence(head, "notes", what)),
        dangling=tuple(str(path) for path in documents.sequence(head, "dangling", what)),
        entries=tuple(entries),
    )


def _side(obj: Mapping[str, Any], what: str) -> Side:
    return Side(
        diff_ids=tuple(parse_digest(item) for item in documents.sequence(obj, "diff_ids", what)),
        layers=tuple(parse_digest(item) for item in documents.sequence(obj, "layers", what)),
        compressed_bytes=documents.integer(obj, "compressed_bytes", what),
        disk_bytes=documents.integer(obj, "disk_bytes", what),
        manifest=_digest(obj, "manifest"),
        config=_digest(obj, "config"),
    )


def _entry(obj: Mapping[str, Any], what: str) -> LedgerEntry:
    try:
        done = Done(documents.text(obj, "done", what))
    except ValueError:
        raise InvalidImage(f"{what} says {str(obj.get('done'))[:40]!r}, which this slimml does not know") from None
    mtime = obj.get("mtime")
    if not isinstance(mtime, int) or not -(1 << 63) <= mtime < 1 << 63:
        raise InvalidImage(f"{what}: 'mtime' should be an integer of 64 bits")
    integers = [documents.integer(obj, name, what) for name in ("layer", "size", "mode", "uid", "gid")]
    layer, size, mode, uid, gid = integers
    if mode > _MODES:
        raise InvalidImage(f"{what}: 'mode' is {mode:o}, which no file has")
    texts = {name: documents.text(obj, name, what, default="") for name in _TEXTS}
    return LedgerEntry(
        **texts,
        layer=layer,
        size=size,
        mode=mode,
        uid=uid,
        gid=gid,
        mtime=mtime,
        live=obj.get("live") is True,
        done=done,
        sha256=_digest(obj, "sha256"),
        after=_digest(obj, "after"),
        after_size=documents.integer(obj, "after_size", what) if "after_size" in obj else None,
    )


_TEXTS = ("path", "kind", "link", "rule", "risk", "reason")


def _digest(obj: Mapping[str, Any], key: str) -> Digest | None:
    value = obj.get(key)
    return None if value is None else parse_digest(value)


def _dump(value: Mapping[str, Any]) -> str:
    # Escapes keep paths that are not UTF-8 (surrogates) in the file.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
