"""Edits that several rules make: words put in, commands added, whole instructions taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from slimml.dockerfile.edit import Edit
from slimml.dockerfile.spans import Span, encode

if TYPE_CHECKING:
    from slimml.dockerfile.document import Document
    from slimml.dockerfile.instructions import Instruction

_JOINED_IN_FRONT = re.compile(rb"\n([ \t]*)&&[ \t]*[^\n]*\Z")
_LAST_LINE = re.compile(rb"\n([ \t]*)[^\n]*\Z")


def insert(at: int, text: str) -> Edit:
    """Put `text` in front of the byte `at`."""
    return Edit(Span(at, at), encode(text))


def replace(span: Span, text: str) -> Edit:
    """Put `text` where `span` is."""
    return Edit(span, encode(text))


def remove(instruction: Instruction) -> Edit:
    """Take out an instruction with its lines."""
    return Edit(instruction.span, b"")


def insert_lines(document: Document, at: int, lines: Iterable[str]) -> Edit:
    """Put whole lines in front of the line that begins at the byte `at`; at the end of a file without a last line
    break, behind one."""
    newline = document.newline.decode()
    text = "".join(f"{line}{newline}" for line in lines)
    if at == len(document.data) and document.data and not document.data.endswith(b"\n"):
        text = newline + text.removesuffix(newline)
    return insert(at, text)


def add_command(document: Document, instruction: Instruction, end: int, command: str) -> Edit:
    """Let `command` follow, after `&&`, the list of commands of a RUN that ends at the byte `end`.

    Where the list has a line for each command, it gets one of its own, written as the last one is.
    """
    before = document.data[instruction.text_span.start : end]
    escape, newline = document.escape, document.newline.decode()
    joined = _JOINED_IN_FRONT.search(before)
    if joined is not None:
        return insert(end, f" {escape}{newline}{joined[1].decode()}&& {command}")
    last = _LAST_LINE.search(before)
    if last is not None:
        indent = last[1].decode() or "    "
        return insert(end, f" && {escape}{newline}{indent}{command}")
    return insert(end, f" && {command}")


def join(document: Document, one: Instruction, end: int, other: Instruction) -> Edit:
    """Make one RUN of two that follow each other: the commands of the first end at the byte `end`, and those of the
    second follow after `&&`. Comments between them stay, as comments within the line; blank lines go.
    """
    newline = document.newline
    between = document.data[one.span.end : other.span.start]
    comments = b"".join(line for line in between.splitlines(keepends=True) if line.strip())
    made = b" && " + encode(document.escape) + newline + comments + b"    "
    return Edit(Span(end, other.arguments.span().start), made)
