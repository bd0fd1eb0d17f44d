"""Words of an instruction: between white space, or with quotes and escapes that keep them together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from slimml.dockerfile.spans import SPACE, Logical, Span, decode, leading_space

WHITESPACE = re.compile(rb"[\t\v\f\r ]+")
QUOTES = b"'\""


@dataclass(frozen=True)
class Word:
    """A word as a builder reads it: quotes and variables are still there, except in words of a JSON array."""

    text: str
    span: Span


def split_words(arguments: Logical) -> tuple[Word, ...]:
    """Words between white space, with no regard to quotes."""
    return tuple(
        word_at(arguments, found.start(), found.end()) for found in re.finditer(rb"[^\t\v\f\r ]+", arguments.data)
    )


def word_at(arguments: Logical, start: int, end: int) -> Word:
    """The bytes `start` to `end` of the line as a word."""
    return Word(decode(arguments.data[start:end]), arguments.span(start, end))


def quoted_words(arguments: Logical, escape: bytes) -> Iterator[Word]:
    """Words between white space that is neither quoted nor escaped; quotes and escapes stay in them."""
    data, at = arguments.data, leading_space(arguments.data)
    while at < len(data):
        end = _quoted_end(data, at, escape)
        text = data[at:end]
        # An escape that ends the line escapes nothing, and is dropped.
        if end == len(data) and _ends_in_escape(text, escape):
            text = text[:-1]
        if text:
            yield Word(decode(text), arguments.span(at, end))
        at = end + leading_space(data, end)


def _quoted_end(data: bytes, at: int, escape: bytes) -> int:
    quote = 0
    while at < len(data):
        byte = data[at]
        if byte == escape[0] and quote != ord("'"):
            at += 2
            continue
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in QUOTES:
            quote = byte
        elif SPACE.match(data, at):
            return at
        at += 1
    return len(data)


def _ends_in_escape(text: bytes, escape: bytes) -> bool:
    quote, at = 0, 0
    while at < len(text):
        byte = text[at]
        if byte == escape[0] and quote != ord("'"):
            if at + 1 == len(text):
                return True
            at += 2
            continue
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in QUOTES:
            quote = byte
        at += 1
    return False
