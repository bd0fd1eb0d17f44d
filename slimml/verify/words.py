"""Text cut into words, so that those that vary can be told from those that stay: times, ids, numbers, addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_UNIT = r"(?:ns|us|µs|μs|ms|s|m|min|h|x|B|[kKMG]i?B|it)"
_EDGE = r"(?![^\W_])"
"""what follows is no letter and no digit"""


class Kind(StrEnum):
    """What a word is, as reports name it."""

    UUID = "uuid"
    TIME = "time"
    DATE = "date"
    CLOCK = "time of day"
    ADDRESS = "address"
    VERSION = "version"
    NUMBER = "number"
    HEX = "hexadecimal id"
    WORD = "word"
    GAP = "gap"
    """spaces and punctuation"""


_KINDS = {
    Kind.UUID: rf"[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}{_EDGE}",
    # ISO 8601 and RFC 3339; RFC 9110, section 5.6.7; asctime(3); the common log format
    Kind.TIME: rf"\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?{_EDGE}"
    rf"|{_DAY}, \d\d {_MONTH} \d{{4}} \d\d:\d\d:\d\d (?:GMT|[+-]\d{{4}}){_EDGE}"
    rf"|{_DAY} {_MONTH} [ \d]\d \d\d:\d\d:\d\d (?:[A-Z]{{3,4}} )?\d{{4}}{_EDGE}"
    rf"|\d\d/{_MONTH}/\d{{4}}:\d\d:\d\d:\d\d [+-]\d{{4}}{_EDGE}",
    Kind.DATE: rf"\d{{4}}-\d\d-\d\d{_EDGE}",
    Kind.CLOCK: rf"\d\d:\d\d:\d\d(?:[.,]\d+)?{_EDGE}",
    Kind.ADDRESS: rf"0x[0-9a-fA-F]+{_EDGE}|\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![.\w])",
    Kind.VERSION: rf"\d+(?:\.\d+){{2,}}{_EDGE}",
    Kind.NUMBER: rf"(?:(?<![^\s=:,;(\[])[-+])?(?:\d+\.\d+|\d+|(?<!\w)\.\d+)(?:[eE][-+]?\d+)?(?={_UNIT}{_EDGE}|{_EDGE})",
    Kind.WORD: r"[^\W_]+",
    Kind.GAP: r"[\W_]",
}
_WORDS = re.compile("|".join(f"(?P<{kind.name}>{pattern})" for kind, pattern in _KINDS.items()), re.DOTALL)
_HEX = re.compile(r"(?:[0-9a-f]+|[0-9A-F]+)\Z")
_ID_LENGTH = 6
_LONGEST = 100_000
"""characters of a text that are cut into words; a longer one is taken as one"""


@dataclass(frozen=True)
class Word:
    """A word and its kind."""

    kind: Kind
    text: str


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[Word, ...]:
    """The words of `text`, gaps among them: joined they are the text."""
    if len(text) > _LONGEST:
        return (Word(Kind.WORD, text),)
    found = []
    for match in _WORDS.finditer(text):
        kind, word = Kind[match.lastgroup or "GAP"], match[0]
        if kind is Kind.WORD and _is_id(word):
            kind = Kind.HEX
        found.append(Word(kind, word))
    return tuple(found)


def _is_id(word: str) -> bool:
    return len(word) >= _ID_LENGTH and bool(_HEX.match(word)) and any(char.isdigit() for char in word)


def hexadecimal(texts: tuple[str, ...]) -> bool:
    """Whether all of these are hexadecimal ids of one length."""
    return len({len(text) for text in texts}) == 1 and len(texts[0]) >= _ID_LENGTH and all(map(_HEX.match, texts))


@lru_cache(maxsize=4096)
def skeleton(text: str) -> str:
    """`text` with the kind in angle brackets in place of every word that may well be another the next time."""
    parts = []
    for word in words_of(text):
        if word.kind in (Kind.WORD, Kind.GAP, Kind.VERSION):
            parts.append(word.text)
        elif word.kind is Kind.NUMBER and len(word.text) >= _ID_LENGTH and word.text.isdigit():
            # An id of digits only is one of the hexadecimal ones, by chance.
            parts.append(f"<{Kind.HEX}>")
        else:
            parts.append(f"<{word.kind}>")
    return "".join(parts)
