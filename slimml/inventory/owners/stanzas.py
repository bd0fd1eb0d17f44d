"""Stanzas of `Field: value` lines, the form of dpkg's and APT's databases (deb-control(5)) and of Python metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Fields = Mapping[str, list[str]]
"""Field names as written, each with its values in order."""


def stanzas(text: str) -> Iterator[Fields]:
    """Each stanza of `text`; they are parted by empty lines."""
    for block in text.split("\n\n"):
        fields = stanza(block)
        if fields:
            yield fields


def stanza(text: str) -> Fields:
    """The fields of one stanza; a line that begins with a blank continues the one before it."""
    found: dict[str, list[str]] = {}
    # What continues nothing, and lines without a colon, end in a list that nobody has.
    values, pieces = [""], [""]
    for line in text.split("\n"):
        if line[:1] in (" ", "\t"):
            pieces.append(line)
            continue
        if len(pieces) > 1:
            values[-1] = "\n".join(pieces)
        name, colon, value = line.partition(":")
        values = found.setdefault(name, []) if colon else []
        pieces = [value.strip()]
        values.append(pieces[0])
    if len(pieces) > 1:
        values[-1] = "\n".join(pieces)
    return found


def first(fields: Fields, name: str) -> str:
    """The first value of a field, "" where it is missing."""
    values = fields.get(name)
    return values[0] if values else ""
