"""The JSON form of an instruction's words: an array of strings, and nothing else on the line."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from slimml.dockerfile.spans import decode, leading_space

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


class NotOnlyStrings(ValueError):
    """An array with something else than strings: the one malformed JSON that builders do not take for shell words."""


def json_words(data: bytes) -> list[tuple[str, int, int]] | None:
    """The strings of a JSON array with the bytes where they stand, quotes included; None when it is no array.

    What is no JSON is the shell form, without a warning from any builder. Raises NotOnlyStrings.
    """
    start = leading_space(data)
    if not data.startswith(b"[", start):
        return None
    try:
        found = json.loads(decode(data[start:]), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(item, str) for item in found):
        raise NotOnlyStrings("a JSON array of words may hold nothing but strings")
    places = [match.span() for match in _STRING.finditer(data)]
    return [(_scalar(text), start, end) for text, (start, end) in zip(found, places, strict=True)]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _scalar(text: str) -> str:
    """Without halves of surrogate pairs that an escape wrote: Go puts U+FFFD in their place."""
    return re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", text)
