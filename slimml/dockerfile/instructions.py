"""One instruction of a Dockerfile: its keyword, flags and words, each with its place (BuildKit's line parsers)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from slimml.dockerfile.json_form import NotOnlyStrings, json_words
from slimml.dockerfile.spans import Logical, Span, decode
from slimml.dockerfile.words import QUOTES, WHITESPACE, Word, quoted_words, split_words, word_at

KEYWORDS = frozenset(
    {
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
        "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    }
)  # fmt: skip
_MAYBE_JSON_LIST = ("ADD", "COPY", "VOLUME")
_MAYBE_JSON = ("CMD", "ENTRYPOINT", "RUN", "SHELL")
_LISTS = ("FROM", "EXPOSE")
_BYTE_SPACE = b"\t\n\v\f\r \x85\xa0"
"""White space where BuildKit takes each byte for a character: in flags, and behind HEALTHCHECK's first word."""


class Malformed(ValueError):
    """Words that no builder takes; the message says why, the caller knows the line."""


@dataclass(frozen=True)
class Flag:
    """`--name=value` before the words; `value` is None where there is no `=`. Quotes are gone from it.

    BuildKit takes each byte of a flag for a character: what is beyond ASCII is not what was written.
    """

    name: str
    value: str | None
    span: Span

    @property
    def text(self) -> str:
        """As a builder reads it."""
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"


@dataclass(frozen=True)
class Heredoc:
    """A heredoc of RUN, COPY or ADD. `content` are its lines, `terminator` the line that ends it."""

    name: str
    descriptor: int
    expand: bool
    """whether variables in the content are replaced: no part of the name is quoted"""
    chomp: bool
    """`<<-`: leading tabs go"""
    content: Span
    terminator: Span


@dataclass(frozen=True)
class Instruction:
    """One instruction. `span` covers its whole lines, heredocs and last line break included.

    Lines count from 1, `end_line` is the last one. `arguments` is the logical line after the flags; of an empty one
    `arguments.span()` is the place where words could be. `words` are what a builder makes of it: for ENV and LABEL a
    name and a value by turns, for a shell form one word.
    """

    span: Span
    line: int
    end_line: int
    name: str
    """in capitals"""
    keyword: Span
    flags: tuple[Flag, ...]
    arguments: Logical
    words: tuple[Word, ...]
    json: bool
    heredocs: tuple[Heredoc, ...] = ()
    comments: tuple[Span, ...] = ()
    """whole lines of comments and blank lines between continuations"""
    inner: Instruction | None = None
    """what ONBUILD postpones"""

    @property
    def values(self) -> tuple[str, ...]:
        """The words' texts."""
        return tuple(word.text for word in self.words)

    @property
    def text_span(self) -> Span:
        """From the keyword to the end of the words, without heredocs and line break."""
        return Span(self.keyword.start, max(self.keyword.end, *(f.span.end for f in self.flags), self._end()))

    def flag(self, name: str) -> Flag | None:
        """The last flag of this name."""
        return next((flag for flag in reversed(self.flags) if flag.name == name), None)

    def flags_named(self, name: str) -> tuple[Flag, ...]:
        """All flags of this name (`--mount` may be given often)."""
        return tuple(flag for flag in self.flags if flag.name == name)

    @property
    def pairs(self) -> tuple[tuple[Word, Word | None], ...]:
        """Names and values of ENV, LABEL and ARG; an ARG without a default has no value."""
        if self.name == "ARG":
            return tuple(_pair(word, self.arguments) for word in self.words)
        if self.name in ("ENV", "LABEL"):
            return tuple(zip(self.words[::2], self.words[1::2], strict=True))
        return ()

    def _end(self) -> int:
        return self.arguments.span().end if self.arguments.data else self.keyword.end


@dataclass(frozen=True)
class Parts:
    """What a logical line says, before anything is known of the lines that it stands on."""

    name: str
    written: str
    keyword: Span
    flags: tuple[Flag, ...]
    arguments: Logical
    words: tuple[Word, ...]
    json: bool
    inner: Parts | None = None


def read_parts(line: Logical, escape: bytes) -> Parts:
    """Keyword, flags and words of a logical line; raises Malformed. An unknown keyword has no words."""
    line = line.trimmed()
    found = WHITESPACE.search(line.data)
    key_end = found.start() if found else len(line.data)
    written = decode(line.data[:key_end])
    rest = line.cut(found.end() if found else key_end)
    flags, at = _read_flags(rest) if found else ((), 0)
    arguments = rest.cut(at).trimmed()
    name = written.upper()
    if name == "ONBUILD":
        inner = read_parts(arguments, escape) if arguments.data else None
        return Parts(name, written, line.span(0, key_end), flags, arguments, (), False, inner)
    words, json = _read_words(name, arguments, escape)
    return Parts(name, written, line.span(0, key_end), flags, arguments, words, json)


def _read_flags(rest: Logical) -> tuple[tuple[Flag, ...], int]:
    """Words that begin with `--`, and where the others begin. A lone `--` ends the flags."""
    flags: list[Flag] = []
    at, data = 0, rest.data
    while True:
        while at < len(data) and data[at] in _BYTE_SPACE:
            at += 1
        if not data.startswith(b"--", at):
            return tuple(flags), at
        text, end = _flag_word(data, at)
        if text == b"--":
            return tuple(flags), end
        name, sign, value = text.decode("latin-1")[2:].partition("=")
        flags.append(Flag(name, value if sign else None, rest.span(at, end)))
        at = end


def _flag_word(data: bytes, at: int) -> tuple[bytes, int]:
    """A word without its quotes and escapes (the backslash, whatever the escape directive says), and its end."""
    text, quote = bytearray(), 0
    while at < len(data):
        byte = data[at]
        if byte == ord("\\"):
            if at + 1 == len(data):
                return bytes(text), len(data)
            at += 1
            text.append(data[at])
        elif quote:
            if byte == quote:
                quote = 0
            else:
                text.append(byte)
        elif byte in QUOTES:
            quote = byte
        elif byte in _BYTE_SPACE:
            break
        else:
            text.append(byte)
        at += 1
    return bytes(text), at


def _read_words(name: str, arguments: Logical, escape: bytes) -> tuple[tuple[Word, ...], bool]:
    if name in _MAYBE_JSON:
        return _maybe_json(arguments)
    if name in _MAYBE_JSON_LIST:
        words, json = _maybe_json(arguments)
        return (words, True) if json else (split_words(arguments), False)
    if name in _LISTS:
        return split_words(arguments), False
    if name in ("ENV", "LABEL"):
        return _read_pairs(name, arguments, escape), False
    if name == "ARG":
        return tuple(quoted_words(arguments, escape)), False
    if name == "HEALTHCHECK":
        return _read_healthcheck(arguments)
    return (_whole(arguments) if name in KEYWORDS else ()), False


def _whole(arguments: Logical) -> tuple[Word, ...]:
    return (Word(arguments.text, arguments.span()),) if arguments.data else ()


def _maybe_json(arguments: Logical) -> tuple[tuple[Word, ...], bool]:
    try:
        found = json_words(arguments.data)
    except NotOnlyStrings as error:
        raise Malformed(str(error)) from None
    if found is None:
        return _whole(arguments), False
    return tuple(Word(text, arguments.span(start, end)) for text, start, end in found), True


def _read_pairs(name: str, arguments: Logical, escape: bytes) -> tuple[Word, ...]:
    words = list(quoted_words(arguments, escape))
    if not words:
        return ()
    if "=" not in words[0].text:
        found = WHITESPACE.search(arguments.data)
        if found is None:
            raise Malformed(f"{name} must have two arguments")
        return word_at(arguments, 0, found.start()), word_at(arguments, found.end(), len(arguments.data))
    pairs: list[Word] = []
    for word in words:
        key, value = _pair(word, arguments)
        if value is None:
            raise Malformed(f"{name} takes name=value; there is no = in {word.text!r}")
        pairs += [key, value]
    return tuple(pairs)


def _pair(word: Word, arguments: Logical) -> tuple[Word, Word | None]:
    name, sign, value = word.text.partition("=")
    if not sign:
        return word, None
    start = _at(arguments, word.span.start)
    middle = start + len(name.encode("utf-8", "surrogateescape"))
    end = _at(arguments, word.span.end - 1) + 1
    return Word(name, arguments.span(start, middle)), Word(value, arguments.span(middle + 1, end))


def _at(arguments: Logical, source: int) -> int:
    """The logical offset of a byte of the file."""
    piece = arguments.pieces[bisect_right(arguments.pieces, source, key=lambda piece: piece.source) - 1]
    return piece.at + source - piece.source


def _read_healthcheck(arguments: Logical) -> tuple[tuple[Word, ...], bool]:
    if not arguments.data:
        return (), False
    data = arguments.data
    end = next((at for at, byte in enumerate(data) if byte in _BYTE_SPACE), len(data))
    rest = next((at for at in range(end, len(data)) if data[at] not in _BYTE_SPACE), len(data))
    words, json = _maybe_json(arguments.cut(rest))
    return (word_at(arguments, 0, end), *words), json
