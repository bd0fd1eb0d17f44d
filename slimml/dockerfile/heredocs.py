"""Which heredocs a line of RUN, COPY or ADD opens: exactly those that BuildKit sees, also where no shell would."""

from __future__ import annotations

import re
from dataclasses import dataclass

from slimml.dockerfile.instructions import Malformed, Parts
from slimml.dockerfile.lexer import LexError, lex
from slimml.dockerfile.spans import Logical, decode, encode

_OPENING = re.compile(r"(\d*)<<(-?)\s*([^<]*)\Z")
_INSTRUCTIONS = ("RUN", "COPY", "ADD")


@dataclass(frozen=True)
class Opening:
    """`<<NAME` with what follows from how it is written."""

    terminator: bytes
    descriptor: int
    expand: bool
    chomp: bool


def opened_in(parts: Parts, line: Logical) -> tuple[Opening, ...]:
    """The heredocs that the logical line opens, in order; raises Malformed.

    BuildKit looks at the words of the line with its own lexer, which knows quotes, but neither comments nor
    arithmetic of shells: `RUN echo $((1 <<2))` opens a heredoc named `2))`.
    """
    said = parts.inner if parts.name == "ONBUILD" and parts.inner is not None else parts
    if said.name not in _INSTRUCTIONS or said.json or b"<<" not in line.data:
        return ()
    try:
        words = lex(decode(line.data), raw_quotes=True, raw_escapes=True, keep_unset=True, heredocs=True).words
    except LexError:
        # BuildKit takes a line that it cannot lex for one without heredocs.
        return ()
    try:
        found = [_opening(word) for word in words]
    except LexError as error:
        raise Malformed(str(error)) from None
    return tuple(opening for opening in found if opening is not None)


def _opening(word: str) -> Opening | None:
    found = _OPENING.match(word)
    if found is None or not found[3]:
        return None
    names = lex(found[3], keep_unset=True, heredocs=True).words
    if len(names) != 1:
        return None
    (raw,) = lex(found[3], raw_quotes=True, keep_unset=True, heredocs=True).words
    (name,) = names
    return Opening(encode(name), int(found[1] or 0), _quotes(name) == _quotes(raw), found[2] == "-")


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')
