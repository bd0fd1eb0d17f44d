"""BuildKit's word lexer (frontend/dockerfile/shell/lex.go): quotes, escapes, `$NAME` and `${NAME…}`, words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from slimml.dockerfile.patterns import replace_pattern, without_prefix, without_suffix

_SPECIAL = "@*#?-$!0"
_SPACES = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}


class LexError(ValueError):
    """Words that BuildKit refuses: a quote or a brace without its end, a substitution that is none."""


class NotKnown(Exception):
    """The words depend on a variable whose value nobody knows before the build, or that would take too long to find."""


LONGEST = 65_535
"""Characters that variables may put into one text: what builders read of a line. Values can double line by line."""

_MOST_TRIES = 10_000_000
"""Places at which a pattern may have to be tried."""


Lookup = Callable[[str], str | None]
"""A variable's value, None when it is not set; raises NotKnown."""


@dataclass(frozen=True)
class Lexed:
    """`text` is all of it after substitution, `words` the same between white space, `names` the variables met."""

    text: str
    words: tuple[str, ...]
    names: tuple[str, ...]


def lex(
    text: str,
    lookup: Lookup = lambda name: None,
    escape: str = "\\",
    *,
    raw_quotes: bool = False,
    raw_escapes: bool = False,
    keep_unset: bool = False,
    heredocs: bool = False,
) -> Lexed:
    """`text` with its variables replaced; raises LexError, and NotKnown as `lookup` does.

    `raw_quotes` and `raw_escapes` leave quotes and escapes in place, `keep_unset` variables that are not set;
    `heredocs` takes the white space behind `<<` for a part of the word.
    """
    lexer = _Lexer(text, lookup, escape, raw_quotes, keep_unset, heredocs)
    result, words = lexer.until("", raw_escapes)
    return Lexed(result, tuple(words), tuple(lexer.names))


@dataclass
class _Words:
    """Words in the making. White space that was quoted or escaped does not part them."""

    word: str = ""
    words: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        for char in text:
            if char not in _SPACES:
                self.word += char
            elif self.word:
                self.words.append(self.word)
                self.word = ""

    def add_raw(self, text: str) -> None:
        self.word += text

    def ended(self) -> list[str]:
        return [*self.words, self.word] if self.word else self.words


class _Lexer:
    def __init__(
        self, text: str, lookup: Lookup, escape: str, raw_quotes: bool, keep_unset: bool, heredocs: bool
    ) -> None:
        self.text, self.at, self.lookup, self.escape = text, 0, lookup, escape
        self.raw_quotes, self.keep_unset, self.heredocs = raw_quotes, keep_unset, heredocs
        self.names: list[str] = []
        self.depth = self.taken = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def next(self) -> str:
        char = self.peek()
        self.at += 1
        return char

    def until(self, stop: str, raw_escapes: bool) -> tuple[str, list[str]]:
        """All up to the character `stop`, or to the end when it is ""."""
        result: list[str] = []
        words = _Words()
        while char := self.peek():
            if stop and char == stop:
                self.at += 1
                return "".join(result), words.ended()
            if char == "$":
                found = self.dollar()
                words.add(found)
            elif char in "'\"":
                found = self.single() if char == "'" else self.double(raw_escapes)
                words.add_raw(found)
            elif char == "<" and self.heredocs:
                found = self.possible_heredoc()
                words.add_raw(found)
            else:
                found = self.plain(raw_escapes, words)
            result.append(found)
        if stop:
            raise LexError(f"there is no {stop} to end what was begun")
        return "".join(result), words.ended()

    def plain(self, raw_escapes: bool, words: _Words) -> str:
        char = self.next()
        if char != self.escape:
            words.add(char)
            return char
        found = (char if raw_escapes else "") + self.next()
        words.add_raw(found)
        return found

    def possible_heredoc(self) -> str:
        self.at += 1
        if self.peek() != "<":
            return "<"
        start = self.at = self.at + 1
        while self.peek() and self.peek() in _SPACES:
            self.at += 1
        return "<<" + self.text[start : self.at]

    def single(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise LexError("a single quote has no end")
        quoted = self.text[self.at + 1 : end]
        self.at = end + 1
        return f"'{quoted}'" if self.raw_quotes else quoted

    def double(self, raw_escapes: bool) -> str:
        self.at += 1
        result = ['"'] if self.raw_quotes else []
        while char := self.peek():
            if char == '"':
                self.at += 1
                return "".join([*result, char] if self.raw_quotes else result)
            if char == "$":
                result.append(self.dollar())
                continue
            self.at += 1
            if char == self.escape:
                result += [char] if raw_escapes else []
                if not self.peek():
                    break
                if self.peek() in ('"', "$", self.escape):
                    char = self.next()
            result.append(char)
        raise LexError("a double quote has no end")

    def dollar(self) -> str:
        self.at += 1
        if self.peek() != "{":
            name = self.name()
            return self.value(name, f"${name}") if name else "$"
        self.at += 1
        if self.peek() in ("", "{", "}", ":"):
            raise LexError("bad substitution")
        self.depth += 1
        if self.depth > 50:
            raise LexError("substitutions are nested too deeply")
        found = self.braced()
        self.depth -= 1
        return found

    def braced(self) -> str:
        name, sign = self.name(), self.next()
        if sign == "}":
            return self.value(name, f"${{{name}}}")
        if sign == "/":
            return self.replaced(name)
        empty_too = sign == ":"
        operator = self.next() if empty_too else sign
        if operator not in ("+", "-", "?", "#", "%") or not operator:
            raise LexError(f"${{{name}{sign}…}} is no substitution")
        word, _ = self.until("}", operator in "#%")
        value = self.get(name)
        if value is None and self.keep_unset:
            return f"${{{name}{':' if empty_too else ''}{operator}{word}}}"
        return _chosen(name, operator, word, value, empty_too)

    def replaced(self, name: str) -> str:
        every = self.peek() == "/"
        self.at += every
        pattern, _ = self.until("/", True)
        replacement, _ = self.until("}", True)
        value = self.get(name)
        if value is None and self.keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        _bound(name, value or "", pattern, len(replacement) if every else 1)
        return replace_pattern(value or "", pattern, replacement, every)

    def name(self) -> str:
        start, first = self.at, self.peek()
        if first and first in _SPECIAL and not first.isdigit():
            self.at += 1
        elif first.isdigit():
            while self.peek().isdigit():
                self.at += 1
        else:
            while self.peek().isalnum() or self.peek() == "_":
                self.at += 1
        return self.text[start : self.at]

    def get(self, name: str) -> str | None:
        self.names.append(name)
        value = self.lookup(name)
        self.taken += len(value or "")
        if self.taken > LONGEST:
            raise NotKnown(name)
        return value

    def value(self, name: str, written: str) -> str:
        value = self.get(name)
        return (written if self.keep_unset else "") if value is None else value


def _chosen(name: str, operator: str, word: str, value: str | None, empty_too: bool) -> str:
    there = value is not None and not (empty_too and value == "")
    match operator:
        case "-":
            return value or "" if there else word
        case "+":
            return word if there else ""
        case "?":
            if not there:
                raise LexError(f"{name}: {word or 'is not set'}")
            return value or ""
    greedy, pattern = word.startswith(operator), word.removeprefix(operator)
    _bound(name, value or "", pattern)
    return (without_suffix if operator == "%" else without_prefix)(value or "", pattern, greedy)


def _bound(name: str, value: str, pattern: str, each: int = 1) -> None:
    """Raise NotKnown where a pattern may be tried too often: every star can end at every character."""
    stars = min(pattern.count("*"), 32)
    if len(value) ** max(stars, 1) * max(each, 1) > _MOST_TRIES:
        raise NotKnown(name)
