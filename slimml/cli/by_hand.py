"""The side of `optimize` that takes what a person marked in the explorer."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.session import Session
from slimml.errors import NotFound, UsageError

if TYPE_CHECKING:
    from slimml.cli.optimizing import Subject
    from slimml.slim.options import Options

MarkedFile = Annotated[
    Path | None,
    typer.Option("--marked", metavar="FILE", help="Remove what this file of slimml explore marks.", show_default=False),
]


def with_marks(
    session: Session, subjects: "list[Subject]", options: "Options", file: Path | None, beside: tuple[object, ...]
) -> "tuple[list[Subject], Options]":
    """The subject with what the file marks, and options by which just that goes; without a file both as they are.

    Raises UsageError where something `beside` the file says what goes, or where there are several images, NotFound
    where it cannot be read, and what slim.marked_file raises. What is refused of the marks is remarked.
    """
    if file is None:
        return subjects, options
    if any(beside):
        raise UsageError("--marked says what goes; leave out --level and --only")
    if len(subjects) != 1:
        raise UsageError("--marked is about one image, --shared about several: leave one of them out")
    from slimml.bloat.rules import MARKED, STRIP
    from slimml.slim.marked import Marks, marked_findings
    from slimml.slim.marked_file import parse
    from slimml.slim.options import Level

    subject = subjects[0]
    try:
        data = file.read_bytes()
    except OSError as error:
        raise NotFound(f"{file}: {error.strerror}") from None
    marks = parse(data, subject.inventory, str(file))
    by_hand = marked_findings(subject.inventory, (), Marks(marks.paths, marks.packages, keep=marks.keep))
    for refusal in by_hand.refused:
        session.remark(f"{refusal.what} stays: {refusal.reason}")
    rules = marks.rules | {MARKED} | ({STRIP} if "unstripped" in marks.rules else set())
    chosen = replace(options, level=Level.ALL, only=frozenset(rules), keep=(*options.keep, *marks.globs))
    return [replace(subject, findings=[*subject.findings, *by_hand.findings])], chosen
