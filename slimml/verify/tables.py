"""Tables of text (RFC 4180): rows of cells, a cell being a number where it is written as one."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.verify.values import Value

_WHOLE = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})\Z")
_FRACTION = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?\Z")
_NAMED = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def read_csv(data: bytes) -> Value:
    """Rows of cells, separated by what separates the first line: a comma, a semicolon or a tab."""
    text = data.decode("utf-8-sig")
    first = text.partition("\n")[0]
    return _rows(text, max(",;\t", key=first.count))


def read_tsv(data: bytes) -> Value:
    """Rows of cells, separated by tabs."""
    return _rows(data.decode("utf-8-sig"), "\t")


def _rows(text: str, delimiter: str) -> Value:
    if "\0" in text:
        raise ValueError("no text")
    return [[_cell(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]


def _cell(text: str) -> Value:
    # Numbers with leading zeros are names of something: 007 is not 7.
    if _WHOLE.match(text):
        return int(text)
    if _FRACTION.match(text) and not (text.lstrip("+-")[:1] == "0" and text.lstrip("+-")[1:2].isdigit()):
        return float(text)
    return _NAMED.get(text.lower(), text)
