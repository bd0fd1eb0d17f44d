"""Edits: spans of a Dockerfile and what stands there instead. Every byte outside them stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from slimml.dockerfile.spans import Span

if TYPE_CHECKING:
    from slimml.dockerfile.document import Document


@dataclass(frozen=True)
class Edit:
    """The bytes of `span` give way to `replacement`. An empty span inserts, an empty replacement removes."""

    span: Span
    replacement: bytes


class OverlappingEdits(ValueError):
    """Two edits want the same bytes, or one stands outside the file."""


def apply(document: Document, edits: Iterable[Edit]) -> bytes:
    """The file after the edits; raises OverlappingEdits.

    Insertions at one place come in the order given, before a replacement that begins there. An insertion within the
    bytes that another edit replaces overlaps it; one at either end of them does not.
    """
    data, made, at = document.data, [], 0
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        if edit.span.start < at or edit.span.end < edit.span.start or edit.span.end > len(data):
            raise OverlappingEdits(f"bytes {edit.span.start} to {edit.span.end} are edited twice or are not there")
        made += [data[at : edit.span.start], edit.replacement]
        at = edit.span.end
    return b"".join([*made, data[at:]])


def overlap(one: Iterable[Edit], other: Iterable[Edit]) -> bool:
    """Whether edits of the one cannot be applied together with those of the other."""
    spans = sorted(edit.span for edit in (*one, *other))
    return any(later.start < earlier.end for earlier, later in pairwise(spans))
