"""Text that differs from run to run of the original: which words of it vary, and which others may take their place.

Words are laid over each other first: those that all runs have in common have to stay, those that vary have to remain
of their kind. Where the runs have not the same number of words, what is common at the beginning and at the end has to
stay, and what is between has to consist of the same kinds of characters.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING

from slimml.verify.varying_numbers import PATIENCE_SECONDS, fits
from slimml.verify.words import Kind, Word, hexadecimal, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slimml.verify.values import Rules

_ALARM = re.compile(
    r"error|exception|traceback|fail|fatal|panic|abort|denied|cannot|missing|undefined"
    r"|not found|no such|\bunable\b|\bnull\b|\bnone\b|\bnan\b",
    re.IGNORECASE,
)
_ENCODED = re.compile(r"[A-Za-z0-9+/_=.-]{12,}\Z")
SAMPLE = 100
_TIME_UNITS = frozenset({"ns", "us", "µs", "μs", "ms", "s", "sec", "secs", "seconds", "min", "h", "it"})
_PRECISE = re.compile(r"\.\d{4}|[eE]")
"""a number in text is compared as a number when it has four decimals: no version has as many"""


@dataclass(frozen=True)
class VaryingText:
    """What runs of the original said in one place, which is not one and the same: all of it, `known`, and up to SAMPLE
    of it, `seen`, from which the form is taken.
    """

    known: frozenset[str]
    seen: tuple[str, ...]

    def fits(self, text: str, rules: Rules, *, timing: bool = False) -> bool:
        """Whether the original might have said `text`, too; `timing` as in `varying_numbers.fits`."""
        if text in self.known:
            return True
        if not _alarms(text) <= self._alarms:
            return False
        new = words_of(text)
        if self.reordered:
            return _bag(new) == _bag(self._rows[0])
        if self._places is None:
            return _ends_fit(self._rows, new)
        return len(new) == len(self._places) and all(
            _word_fits(seen, word, rules, timing=timing or _has_unit(new, place))
            for place, (seen, word) in enumerate(zip(self._places, new, strict=True))
        )

    @cached_property
    def reordered(self) -> bool:
        """Whether it is the order of the words that varies, as that of a set does."""
        return len({_bag(row) for row in self._rows}) == 1

    def describe(self) -> str:
        """What varies, in words."""
        if self.reordered:
            return "the order of words"
        kinds = {_joined(place) for place in self._places or () if not _equal(place)}
        named = sorted(kind for kind in kinds if kind)
        return " and ".join(f"{'an' if kind[0] in 'aeio' else 'a'} {kind}" for kind in named) or "text"

    @cached_property
    def _rows(self) -> tuple[tuple[Word, ...], ...]:
        return tuple(map(words_of, self.seen))

    @cached_property
    def _alarms(self) -> set[str]:
        return set().union(*map(_alarms, self.seen))

    @cached_property
    def _places(self) -> tuple[tuple[Word, ...], ...] | None:
        """The words of each place in all texts, one of each; None where texts cannot be laid over each other."""
        if len({len(row) for row in self._rows}) > 1:
            return None
        places = tuple(tuple(dict.fromkeys(place)) for place in zip(*self._rows, strict=True))
        return places if all(_equal(place) or _joined(place) is not None for place in places) else None


def varying_text(texts: Iterable[str]) -> VaryingText:
    """The form of what all these texts are examples of."""
    distinct = list(dict.fromkeys(texts))
    step = -(-len(distinct) // SAMPLE)
    return VaryingText(frozenset(distinct), tuple(distinct[::step]))


def same_line(one: str, other: str, rules: Rules) -> bool:
    """Whether two lines say the same, numbers with four decimals or an exponent within tolerance."""
    if one == other:
        return True
    rows = words_of(one), words_of(other)
    if len(rows[0]) != len(rows[1]):
        return False
    return all(a.text == b.text or _same_number(a, b, rules) for a, b in zip(*rows, strict=True))


def _same_number(one: Word, other: Word, rules: Rules) -> bool:
    if not (one.kind is other.kind is Kind.NUMBER and _PRECISE.search(one.text) and _PRECISE.search(other.text)):
        return False
    return rules.close(float(one.text), float(other.text))


def _alarms(text: str) -> set[str]:
    return {word.lower() for word in _ALARM.findall(text)}


def _bag(row: Sequence[Word]) -> frozenset[tuple[str, int]]:
    return frozenset(Counter(word.text for word in row).items())


def _equal(place: Sequence[Word]) -> bool:
    return len({word.text for word in place}) == 1


def _joined(place: Sequence[Word]) -> Kind | None:
    """The kind that words of one place have in common, None when it is none."""
    kinds = {word.kind for word in place}
    if len(kinds) == 1:
        # A hexadecimal id has one length: those of several are words, made by somebody else.
        only = kinds.pop()
        if only is Kind.HEX and not hexadecimal(tuple(word.text for word in place)):
            return Kind.WORD
        return None if only is Kind.GAP else only
    if kinds <= {Kind.HEX, Kind.NUMBER, Kind.WORD} and all(word.text.isalnum() for word in place):
        return Kind.HEX if hexadecimal(tuple(word.text for word in place)) else Kind.WORD
    return None


def _has_unit(row: Sequence[Word], place: int) -> bool:
    """Whether a unit of time follows a word."""
    following = [word.text for word in row[place + 1 : place + 3] if word.text != " "]
    return bool(following) and following[0] in _TIME_UNITS


def _word_fits(place: tuple[Word, ...], word: Word, rules: Rules, *, timing: bool) -> bool:
    if _equal(place):
        return word.text == place[0].text
    kind, seen = _joined(place), tuple(one.text for one in place)
    if kind is Kind.HEX:
        return hexadecimal((*seen, word.text))
    if kind is Kind.WORD:
        return word.kind in (Kind.WORD, Kind.HEX, Kind.NUMBER) and _characters_fit(seen, word.text)
    if word.kind is not kind:
        return False
    if kind is Kind.NUMBER:
        return fits([float(text) for text in seen], float(word.text), rules, timing=timing)
    if kind in (Kind.TIME, Kind.DATE, Kind.CLOCK):
        return _time_fits(seen, word.text, rules)
    return True


def _time_fits(seen: tuple[str, ...], text: str, rules: Rules) -> bool:
    """Whether a time is that of somebody who was asked `elapsed` seconds later, on a clock of the same time zone."""
    known, found = [_moment(one) for one in seen], _moment(text)
    moments = [one for one in known if one]
    if found is None or len(moments) < len(known):
        return len(text) == len(seen[0])
    if found.utcoffset() not in {one.utcoffset() for one in moments}:
        return False
    first, last = min(map(_absolute, moments)), max(map(_absolute, moments))
    at, spread = _absolute(found), last - first
    if ":" not in text:
        return first - timedelta(days=1) <= at <= last + spread + timedelta(days=1, seconds=rules.elapsed)
    slack = timedelta(seconds=PATIENCE_SECONDS)
    if first - slack <= at <= last + spread + slack + timedelta(seconds=rules.elapsed):
        return True
    # A time of day begins anew at midnight.
    return (
        "-" not in text
        and len(text) < len("20:05:09.1234567")
        and at < last
        and rules.elapsed > 0
        and (at + timedelta(days=1) <= last + slack + timedelta(seconds=rules.elapsed))
    )


def _absolute(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(text: str) -> datetime | None:
    """A time of one of the forms that `words` knows; without a zone it is naive, a time of day is that of 1900."""
    forms = ("%H:%M:%S", "%H:%M:%S.%f", "%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%H:%M:%S %z")
    try:
        return datetime.fromisoformat(text.replace(",", ".")) if text[4:5] == "-" else parsedate_to_datetime(text)
    except ValueError:
        pass
    for form in forms:
        try:
            return datetime.strptime(text.replace(",", "."), form)
        except ValueError:
            continue
    return None


def _ends_fit(rows: Sequence[tuple[Word, ...]], new: tuple[Word, ...]) -> bool:
    """Whether `new` begins and ends as all `rows` do, with characters of the same kinds between."""
    shortest = min(map(len, rows))
    head = _common([row[:shortest] for row in rows])
    tail = _common([row[::-1][: shortest - head] for row in rows])
    first = rows[0]
    if len(new) < head + tail:
        return False
    if new[:head] != first[:head] or new[len(new) - tail :] != first[len(first) - tail :]:
        return False
    middles = tuple("".join(word.text for word in row[head : len(row) - tail]) for row in rows)
    return _characters_fit(middles, "".join(word.text for word in new[head : len(new) - tail]))


def _common(rows: Sequence[Sequence[Word]]) -> int:
    """How many words all rows have in common at their beginning."""
    for place, words in enumerate(zip(*rows, strict=False)):
        if not _equal(words):
            return place
    return min(map(len, rows))


def _characters_fit(seen: tuple[str, ...], text: str) -> bool:
    """Whether `text` is made of the same kinds of characters, and not of a wholly other length."""
    lengths = [len(one) for one in seen]
    if not min(lengths) / 2 <= len(text) <= 2 * max(lengths):
        return False
    if all(map(_ENCODED.match, seen)):
        return bool(_ENCODED.match(text))
    return _classes(text) <= set().union(*map(_classes, seen))


def _classes(text: str) -> set[str]:
    found = set()
    for char in text:
        if char.isspace():
            found.add(" ")
        elif char.isalpha():
            found.add("a")
        else:
            found.add("0" if char.isdigit() else ".")
    return found
