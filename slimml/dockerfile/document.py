"""A Dockerfile as a lossless document: the spans of its nodes are the file, to the byte (BuildKit's parser)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from slimml.dockerfile.check import check_instruction, check_order
from slimml.dockerfile.heredocs import Opening, opened_in
from slimml.dockerfile.instructions import Heredoc, Instruction, Malformed, Parts, read_parts
from slimml.dockerfile.spans import Logical, Piece, Span, decode, leading_space
from slimml.errors import InvalidDockerfile

BOM = b"\xef\xbb\xbf"
LONGEST_LINE = 65536
"""Bytes of a line, line break included, that BuildKit reads."""

MOST_INSTRUCTIONS = 2000
"""What is read of a file. An image has at most 127 layers."""

_DIRECTIVE = re.compile(rb"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*\Z")
_CONTINUED = {
    escape: re.compile(rb"(?:[^%b]()|\A())%b[ \t]*\Z" % (re.escape(escape), re.escape(escape)))
    for escape in (b"\\", b"`")
}


class TriviaKind(StrEnum):
    """What means nothing to a builder."""

    BOM = "bom"
    BLANK = "blank"
    COMMENT = "comment"


@dataclass(frozen=True)
class Trivia:
    """A byte order mark, a blank line or a comment line; `line` from 1."""

    span: Span
    line: int
    kind: TriviaKind


@dataclass(frozen=True)
class Directive:
    """`# syntax=…`, `# escape=…` or `# check=…` at the top; `name` in small letters."""

    span: Span
    line: int
    name: str
    value: str


Node = Trivia | Directive | Instruction


@dataclass(frozen=True)
class Document:
    """A parsed Dockerfile: the nodes' spans, one behind the other, are `data`."""

    data: bytes
    nodes: tuple[Node, ...]
    escape: str
    """`\\` or a backtick: escapes characters and continues lines"""

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All instructions in order."""
        return tuple(node for node in self.nodes if isinstance(node, Instruction))

    @property
    def directives(self) -> tuple[Directive, ...]:
        """All parser directives in order."""
        return tuple(node for node in self.nodes if isinstance(node, Directive))

    @property
    def newline(self) -> bytes:
        """The line break of the first line: what lines that are added end with."""
        end = self.data.find(b"\n")
        return b"\r\n" if end > 0 and self.data[end - 1 : end] == b"\r" else b"\n"

    def line_of(self, at: int) -> int:
        """The line, from 1, of the byte `at`."""
        return self.data.count(b"\n", 0, at) + 1


def parse(data: bytes) -> Document:
    """The document in `data`; raises InvalidDockerfile where BuildKit refuses the file, with the line."""
    reader = _Reader(data)
    nodes = tuple(reader.nodes())
    instructions = [node for node in nodes if isinstance(node, Instruction)]
    if len(instructions) > MOST_INSTRUCTIONS:
        beyond = instructions[MOST_INSTRUCTIONS]
        raise InvalidDockerfile(f"the file has more than {MOST_INSTRUCTIONS:,} instructions", beyond.line)
    if not instructions:
        raise InvalidDockerfile("the file has no instructions", max(1, data.count(b"\n")))
    check_order(instructions)
    return Document(data, nodes, decode(reader.escape))


class _Reader:
    """Reads line by line, as BuildKit's parser does."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = len(BOM) if data.startswith(BOM) else 0
        self.line = 0
        self.escape = b"\\"
        self.seen: set[str] | None = set()
        """directives met; None once they are over"""

    def nodes(self) -> Iterator[Node]:
        if self.at:
            yield Trivia(Span(0, self.at), 1, TriviaKind.BOM)
        while (line := self.next_line()) is not None:
            text = self.stripped(line)
            content = text.of(self.data)
            directive = self.directive(line, content)
            if directive is not None:
                yield directive
            elif not content or content.startswith(b"#"):
                yield Trivia(line, self.line, TriviaKind.COMMENT if content else TriviaKind.BLANK)
            else:
                yield self.instruction(line, text)

    def next_line(self) -> Span | None:
        """The next line with its line break; None at the end."""
        if self.at >= len(self.data):
            return None
        end = self.data.find(b"\n", self.at) + 1 or len(self.data)
        span, self.at, self.line = Span(self.at, end), end, self.line + 1
        if len(span) > LONGEST_LINE:
            raise InvalidDockerfile(f"the line has {len(span):,} bytes, and builders read {LONGEST_LINE:,}", self.line)
        return span

    def stripped(self, line: Span, leading: bool = True) -> Span:
        """A line without its line break and the white space before it."""
        end = line.start + len(line.of(self.data).rstrip(b"\r\n"))
        return Span(min(end, line.start + leading_space(self.data, line.start)) if leading else line.start, end)

    def directive(self, line: Span, content: bytes) -> Directive | None:
        if self.seen is None:
            return None
        found = _DIRECTIVE.match(content)
        name = found[1].decode().lower() if found else ""
        if found is None or name not in ("syntax", "escape", "check"):
            self.seen = None
            return None
        if name in self.seen:
            raise InvalidDockerfile(f"the directive {name} may be given only once", self.line)
        self.seen.add(name)
        if name == "escape":
            if found[2] not in _CONTINUED:
                raise InvalidDockerfile(f"the escape character is \\ or `, not {decode(found[2])}", self.line)
            self.escape = found[2]
        return Directive(line, self.line, name, decode(found[2]))

    def instruction(self, line: Span, text: Span) -> Instruction:
        first = self.line
        logical, comments = self.logical(text)
        try:
            parts = read_parts(logical, self.escape)
            openings = opened_in(parts, logical)
            heredocs = tuple(self.heredoc(opening, first) for opening in openings)
            found = _instruction(parts, Span(line.start, self.at), first, self.line, heredocs, comments)
            check_instruction(found, parts)
        except Malformed as error:
            raise InvalidDockerfile(str(error), first) from None
        return found

    def logical(self, text: Span) -> tuple[Logical, tuple[Span, ...]]:
        """The logical line that begins with `text`, and the lines within it that say nothing."""
        made, pieces, comments = bytearray(), [], []
        kept, continued = self.uncontinued(text)
        while True:
            pieces.append(Piece(len(made), kept.start, len(kept)))
            made += kept.of(self.data)
            while continued and (line := self.next_line()) is not None:
                content = self.stripped(line).of(self.data)
                if content and not content.startswith(b"#"):
                    break
                comments.append(line)
            else:
                return Logical(bytes(made), _with_bytes(pieces)), tuple(comments)
            kept, continued = self.uncontinued(self.stripped(line, leading=False))

    def uncontinued(self, text: Span) -> tuple[Span, bool]:
        """A line's text without the escape that continues it, and whether there was one."""
        found = _CONTINUED[self.escape].search(text.of(self.data))
        if found is None:
            return text, False
        return Span(text.start, text.start + max(found.end(1), found.end(2))), True

    def heredoc(self, opening: Opening, first: int) -> Heredoc:
        start = self.at
        while (line := self.next_line()) is not None:
            ending = self.stripped(line, leading=False).of(self.data)
            if opening.chomp:
                ending = ending.lstrip(b"\t")
            if ending == opening.terminator:
                content = Span(start, line.start)
                return Heredoc(
                    decode(opening.terminator), opening.descriptor, opening.expand, opening.chomp, content, line
                )
        name = decode(opening.terminator)
        raise InvalidDockerfile(f"the heredoc {name} has no end: a line with {name} alone is missing", first)


def _with_bytes(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Without empty pieces, unless there is nothing else."""
    return tuple(piece for piece in pieces if piece.length) or tuple(pieces[:1])


def _instruction(
    parts: Parts, span: Span, line: int, end_line: int, heredocs: tuple[Heredoc, ...], comments: tuple[Span, ...]
) -> Instruction:
    made = Instruction(
        span, line, end_line, parts.name, parts.keyword, parts.flags, parts.arguments, parts.words, parts.json,
        heredocs, comments,
    )  # fmt: skip
    if parts.inner is None:
        return made
    return replace(made, inner=_instruction(parts.inner, span, line, end_line, heredocs, comments))
