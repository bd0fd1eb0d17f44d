"""Boosted trees: XGBoost (its JSON and UBJSON models, and the older binary one), and LightGBM's text."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Final

from slimml.models.content import Content, Cursor, Unreadable, text
from slimml.models.model_file import Format, ModelFile

XGBOOST_JSON: Final = re.compile(rb'\A\s*\{\s*"(learner|version)"\s*:')
XGBOOST_UBJ: Final = re.compile(rb"\A\{[LliIU]\x00*[\x07]learner|\A\{[LliIU]\x00*[\x07]version")
XGBOOST_BINARY: Final = b"binf"
LIGHTGBM: Final = re.compile(rb"\Atree\r?\nversion=v\d")

_PIECE: Final = 4 << 20
_OVERLAP: Final = 256
_FACTS: Final = re.compile(
    rb'"(num_trees|num_feature|objective)"\s*:\s*(?:\{[^{}]{0,99}"name"\s*:\s*)?"([\w:.-]{1,60})"'
    rb'|"(num_nodes)"\s*:\s*"(\d{1,12})"'
)
_WIDTHS: Final = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8, b"d": 4, b"D": 8, b"C": 1}
_DTYPES: Final = {b"i": "I8", b"U": "U8", b"I": "I16", b"l": "I32", b"L": "I64", b"d": "F32", b"D": "F64"}
_INTEGERS: Final = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q"}
_DEEPEST: Final = 64
_SHORT: Final = 64


def read_xgboost_json(content: Content) -> ModelFile:
    """What an XGBoost model in JSON says of itself; it is searched, not parsed."""
    if b'"learner"' not in content.head(1 << 16) and b'"learner"' not in content.at(0, min(content.size, _PIECE)):
        raise Unreadable("no learner in it")
    facts: dict[str, str] = {}
    nodes, before = 0, b""
    for piece in content.pieces(0, content.size):
        window = before + piece
        for found in _FACTS.finditer(window):
            if found.end() <= len(before):
                continue  # it was found already
            if found[3]:
                nodes += int(found[4])
            else:
                facts.setdefault(text(found[1]), text(found[2]))
        before = window[-_OVERLAP:]
    if content.at(max(0, content.size - 64), min(64, content.size)).rstrip()[-1:] != b"}":
        raise Unreadable("its JSON ends early")
    return _xgboost(content, facts, nodes, "JSON", {})


def _xgboost(content: Content, facts: dict[str, str], nodes: int, how: str, dtypes: dict[str, int]) -> ModelFile:
    names = [name for name in ("objective", "num_trees", "num_feature") if name in facts]
    told = [f"{name.replace('_', ' ')}: {facts[name]}" for name in names]
    told += [f"nodes: {nodes:,}"] if nodes else []
    return ModelFile(Format.XGBOOST, content.size, bytes_by_dtype=dtypes, remarks=(f"stored as {how}", *told))


def read_xgboost_binary(content: Content) -> ModelFile:
    """An XGBoost model of the form that XGBoost 3 no longer reads."""
    return ModelFile(
        Format.XGBOOST, content.size, remarks=("stored in the binary form, which XGBoost 3 does not read",)
    )


@dataclass
class _Seen:
    facts: dict[str, str] = field(default_factory=dict)
    bytes_by_dtype: dict[str, int] = field(default_factory=dict)
    nodes: int = 0


def read_xgboost_ubj(content: Content) -> ModelFile:
    """An XGBoost model in UBJSON (ubjson.org, draft 12): typed arrays are counted, not read; raises Unreadable."""
    cursor, seen = Cursor(content), _Seen()
    _value(cursor, cursor.read(1), "", seen, 0)
    if cursor.left:
        raise Unreadable(f"{cursor.left:,} bytes after its end")
    return _xgboost(content, seen.facts, seen.nodes, "UBJSON", seen.bytes_by_dtype)


def _value(cursor: Cursor, kind: bytes, key: str, seen: _Seen, depth: int) -> None:
    cursor.content.step()
    if depth > _DEEPEST:
        raise Unreadable(f"values nested more than {_DEEPEST} deep")
    if kind == b"S":
        size = _integer(cursor)
        kept = text(cursor.read(min(size, _SHORT)))
        cursor.skip(size - min(size, _SHORT))
        if key in ("num_trees", "num_feature") or (key == "name" and ":" in kept):
            seen.facts.setdefault("objective" if key == "name" else key, kept)
        elif key == "num_nodes" and kept.isascii() and kept.isdigit() and size <= 12:
            seen.nodes += int(kept)
    elif kind == b"[":
        _array(cursor, seen, depth)
    elif kind == b"{":
        _object(cursor, seen, depth)
    elif kind in _WIDTHS:
        cursor.skip(_WIDTHS[kind])
    elif kind not in (b"Z", b"N", b"T", b"F"):
        raise Unreadable(f"no marker of UBJSON at offset {cursor.position - 1:,}")


def _array(cursor: Cursor, seen: _Seen, depth: int) -> None:
    """An array, whose type and count may be told before its members."""
    mark = cursor.read(1)
    kind = cursor.read(1) if mark == b"$" else b""
    mark = cursor.read(1) if kind else mark
    if mark != b"#":
        if kind:
            raise Unreadable(f"an array with a type and no count at offset {cursor.position:,}")
        while mark != b"]":
            _value(cursor, mark, "", seen, depth + 1)
            mark = cursor.read(1)
        return
    count = _integer(cursor)
    if kind in _DTYPES:
        cursor.skip(count * _WIDTHS[kind])
        seen.bytes_by_dtype[_DTYPES[kind]] = seen.bytes_by_dtype.get(_DTYPES[kind], 0) + count * _WIDTHS[kind]
        return
    for _ in range(count):
        _value(cursor, kind or cursor.read(1), "", seen, depth + 1)


def _object(cursor: Cursor, seen: _Seen, depth: int) -> None:
    """An object; its keys are lengths and text, without a marker of their type."""
    mark = cursor.read(1)
    left = -1
    if mark == b"#":
        left = _integer(cursor)
        mark = cursor.read(1) if left else b"}"
    while left and mark != b"}":
        size = _integer(cursor, mark)
        kept = text(cursor.read(min(size, _SHORT)))
        cursor.skip(size - min(size, _SHORT))
        _value(cursor, cursor.read(1), kept, seen, depth + 1)
        left -= 1
        if left:
            mark = cursor.read(1)


def _integer(cursor: Cursor, mark: bytes = b"") -> int:
    mark = mark or cursor.read(1)
    if mark not in _INTEGERS:
        raise Unreadable(f"no length at offset {cursor.position - 1:,}")
    kind = _INTEGERS[mark]
    found: int = struct.unpack(kind, cursor.read(struct.calcsize(kind)))[0]
    if found < 0:
        raise Unreadable(f"a negative length at offset {cursor.position:,}")
    return found


def read_lightgbm(content: Content) -> ModelFile:
    """What LightGBM's text says of itself: its trees are counted; raises Unreadable where they do not end."""
    facts: dict[str, str] = {}
    for line in content.head(1 << 16).split(b"\n"):
        key, equals, value = line.strip().partition(b"=")
        if equals and key in (b"version", b"objective", b"num_class", b"max_feature_idx"):
            facts.setdefault(text(key), text(value[:60]))
        if key == b"Tree":
            break
    trees, ended, before = 0, False, b""
    for piece in content.pieces(0, content.size):
        window = before + piece
        trees += window.count(b"\nTree=") - before.count(b"\nTree=")
        ended = ended or b"\nend of trees" in window
        before = window[-_OVERLAP:]
    if not ended:
        raise Unreadable("its trees do not end: the file is cut off")
    told = [f"{name.replace('_', ' ')}: {value}" for name, value in facts.items()]
    return ModelFile(Format.LIGHTGBM, content.size, remarks=(*told, f"trees: {trees:,}"))
