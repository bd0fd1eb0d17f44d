"""What a rule is: it looks at a build and says what it found, with the edits that would mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from slimml.dockerfile.edit import Edit
from slimml.dockerfile.spans import Span

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build


class Risk(StrEnum):
    """How sure we are that the image does the same after the edits; the classes of findings in images."""

    SAFE = "safe"
    """what runs cannot notice"""
    LIKELY = "likely"
    """a service does not notice; the build has to be tried"""
    ASK = "ask"
    """only the author knows"""


class Severity(StrEnum):
    """How bad it is to leave it, in the words of SARIF."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class SideFile:
    """A file of the context that a rule makes or completes: the whole of its new text."""

    path: str
    text: str


@dataclass(frozen=True)
class Finding:
    """A place that a rule has something to say of. Without edits and files it is only told.

    `saves` is about how many bytes of the image go, None where nobody can say; `kept` says why the place is left alone
    although the rule has an edit for others like it.
    """

    rule: str
    span: Span
    message: str
    edits: tuple[Edit, ...] = ()
    saves: int | None = None
    files: tuple[SideFile, ...] = ()
    kept: str = ""


Look = Callable[["Build"], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """One rule. `reason` says in a sentence or two what is wrong and what the edit does, `link` where that is told."""

    id: str
    title: str
    risk: Risk
    severity: Severity
    reason: str
    link: str
    look: Look
    edits: bool = True
    """False for a rule that only tells"""
    asked: bool = False
    """True for a rule that is applied only when it is named"""
