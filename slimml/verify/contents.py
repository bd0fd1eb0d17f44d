"""Bytes of an answer as a value that can be compared: JSON, tables, text by lines, pictures by pixels, arrays."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.verify.values import Line, Value, blob

if TYPE_CHECKING:
    from collections.abc import Callable

DECODED_BYTES = 256 << 20
"""what a compressed body may grow to; one that grows more is compared as bytes"""
_DEEPEST = 200
"""levels of JSON that are looked into"""


@dataclass(frozen=True)
class Content:
    """`kind` is json, ndjson, events, csv, text, png, jpeg, npy, npz, parquet, zip, bytes or empty."""

    kind: str
    value: Value


def read_content(data: bytes, media_type: str = "", name: str = "", encoding: str = "") -> Content:
    """What `data` says. `media_type` is that of a response, `name` that of a file, `encoding` its Content-Encoding.

    What claims to be of a kind and cannot be read as such is text, or bytes: nothing is raised.
    """
    essence, _, parameters = media_type.lower().partition(";")
    data, name = _decoded(data, encoding.strip().lower(), name.lower())
    if not data:
        return Content("empty", None)
    for kind, claims, read in _READERS:
        if claims(data, essence.strip(), name):
            try:
                return Content(kind, read(data))
            except Exception:
                continue
    charset = re.search(r'charset="?([\w-]+)', parameters)
    return _text(data, charset[1] if charset else "utf-8")


def _decoded(data: bytes, encoding: str, name: str) -> tuple[bytes, str]:
    """The bytes behind a content coding (RFC 9110, section 8.4.1) or a compressing file name."""
    by_name = {"gz": "gzip", "zst": "zstd"}.get(name.rpartition(".")[2], "")
    coding = encoding or by_name
    try:
        if coding in ("gzip", "x-gzip", "deflate"):
            unpacker = zlib.decompressobj(wbits=47 if coding != "deflate" or data[:1] == b"\x78" else -15)
            plain = unpacker.decompress(data, DECODED_BYTES)
            whole = unpacker.eof
            if whole and unpacker.unused_data:
                plain, whole = gzip.decompress(data), True
        elif coding == "zstd":
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(data) as stream:
                plain = stream.read(DECODED_BYTES)
                whole = len(plain) < DECODED_BYTES
        else:
            return data, name
    except Exception:
        return data, name
    return (plain, name.rpartition(".")[0] if by_name and not encoding else name) if whole else (data, name)


def _text(data: bytes, charset: str) -> Content:
    try:
        text = data.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return Content("bytes", blob(data))
    if "\0" in text:
        return Content("bytes", blob(data))
    return Content("text", [Line(line) for line in text.splitlines()])


def _is_json(data: bytes, essence: str, name: str) -> bool:
    return essence.endswith("json") or name.endswith((".json", ".geojson")) or data.lstrip()[:1] in (b"{", b"[")


def _json(data: bytes) -> Value:
    value: Value = json.loads(data)
    _check_depth(value)
    return value


def _check_depth(value: Value) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise RecursionError


def _is_lines_of_json(data: bytes, essence: str, name: str) -> bool:
    named = name.endswith((".ndjson", ".jsonl")) or essence.removeprefix("application/").removeprefix("x-") in (
        "ndjson",
        "jsonl",
        "jsonlines",
        "json-seq",
    )
    return named or (data.lstrip()[:1] in (b"{", b"[") and b"\n" in data.strip())


def _lines_of_json(data: bytes) -> Value:
    return [_json(line) for line in data.replace(b"\x1e", b"\n").splitlines() if line.strip()]


def _is_events(data: bytes, essence: str, name: str) -> bool:
    del data, name
    return essence == "text/event-stream"


def _events(data: bytes) -> Value:
    """Server-sent events (HTML, section 9.2.6): an object per event, its data read as JSON where it is."""
    events: list[Value] = []
    for block in re.split(r"(?:\r\n|\r|\n){2,}", data.decode("utf-8-sig").strip("\r\n")):
        fields: dict[str, list[str]] = {}
        for line in block.splitlines():
            name, _, said = line.partition(":")
            fields.setdefault(name or "comment", []).append(said.removeprefix(" "))
        events.append({name: _perhaps_json("\n".join(lines)) for name, lines in fields.items()})
    return events


def _perhaps_json(text: str) -> Value:
    if text[:1] not in ("{", "["):
        return text
    try:
        return _json(text.encode())
    except (ValueError, RecursionError):
        return text


def _named(*endings: str, essences: tuple[str, ...] = ()) -> Callable[[bytes, str, str], bool]:
    def claims(data: bytes, essence: str, name: str) -> bool:
        del data
        return essence in essences or name.endswith(endings)

    return claims


def _beginning(*magic: bytes) -> Callable[[bytes, str, str], bool]:
    def claims(data: bytes, essence: str, name: str) -> bool:
        del essence, name
        return data.startswith(magic)

    return claims


def _late(module: str, function: str) -> Callable[[bytes], Value]:
    """A reader whose module is imported when it is needed."""

    def read(data: bytes) -> Value:
        from importlib import import_module

        value: Value = getattr(import_module(f"slimml.verify.{module}"), function)(data)
        return value

    return read


_READERS: tuple[tuple[str, Callable[[bytes, str, str], bool], Callable[[bytes], Value]], ...] = (
    ("png", _beginning(b"\x89PNG\r\n\x1a\n"), _late("pictures", "read_png")),
    ("jpeg", _beginning(b"\xff\xd8\xff"), _late("pictures", "read_jpeg")),
    ("npy", _beginning(b"\x93NUMPY"), _late("arrays", "read_npy")),
    ("npz", _named(".npz"), _late("arrays", "read_npz")),
    ("parquet", _beginning(b"PAR1"), _late("arrays", "read_parquet")),
    ("zip", _beginning(b"PK\x03\x04"), _late("arrays", "read_zip")),
    ("events", _is_events, _events),
    ("json", _is_json, _json),
    ("ndjson", _is_lines_of_json, _lines_of_json),
    ("csv", _named(".csv", essences=("text/csv",)), _late("tables", "read_csv")),
    ("csv", _named(".tsv", essences=("text/tab-separated-values",)), _late("tables", "read_tsv")),
)
