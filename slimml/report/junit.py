"""A check as JUnit XML (the form that Jenkins, GitLab and GitHub's reporters read): a test case for each budget."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from slimml.gates.check import Outcome, Status
from slimml.report.changes import told
from slimml.report.check import after_in_words, allowed_in_words
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from slimml.report.check import CheckReport

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""what XML 1.0, section 2.2, takes for no character"""


def junit(report: CheckReport) -> bytes:
    """The document. A warning has passed, as JUnit knows none, and is told as output; where strict it is a failure,
    and so is what could not be checked, which else is skipped."""
    failed = [one for one in report.budgets if _fails(one, strict=report.strict)]
    skipped = [one for one in report.budgets if one.status is Status.UNCHECKED and one not in failed]
    counts = {"tests": len(report.budgets), "failures": len(failed), "errors": 0, "skipped": len(skipped)}
    root = Element("testsuites", {name: str(count) for name, count in counts.items() if name != "skipped"})
    root.set("name", "slimml check")
    root.set("time", "0")
    suite = SubElement(root, "testsuite", {name: str(count) for name, count in counts.items()})
    suite.set("name", _text(f"slimml check {report.image.reference}"))
    suite.set("time", "0")
    for one in report.budgets:
        _case(suite, one, failed=one in failed)
    indent(root)
    found: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return found + b"\n"


def _fails(outcome: Outcome, *, strict: bool) -> bool:
    return outcome.status is Status.FAIL or (strict and outcome.status is not Status.PASS)


def _case(suite: Element, outcome: Outcome, *, failed: bool) -> None:
    name = f"{outcome.name} ({allowed_in_words(outcome)})"
    case = SubElement(suite, "testcase", {"name": _text(name), "classname": "slimml.budgets", "time": "0"})
    said = in_words(outcome)
    if failed:
        failure = SubElement(case, "failure", {"type": outcome.status.value, "message": _text(said)})
        failure.text = _text(f"{outcome.place.file}:{outcome.place.line}: {said}")
    elif outcome.status is Status.UNCHECKED:
        SubElement(case, "skipped", {"message": _text(outcome.why)})
    else:
        SubElement(case, "system-out").text = _text(f"{outcome.status.value}: {said}")


def in_words(outcome: Outcome) -> str:
    """One line: what is, what was, what may be, and why."""
    before = f" (before: {told(outcome.before, outcome.unit)})" if outcome.before is not None else ""
    why = f"; {outcome.why}" if outcome.why else ""
    return f"{outcome.title}: {after_in_words(outcome)}{before}, allowed: {allowed_in_words(outcome)}{why}"


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", visible(text))
