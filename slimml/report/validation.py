"""What `validate` looked at, and what did not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.sizes import counted
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.oci.image import Image
    from slimml.oci.validate import Report


@dataclass(frozen=True)
class CheckReport:
    """One claim about `subject`; `problem` is "" where it holds."""

    subject: str
    claim: str
    problem: str


@dataclass(frozen=True)
class ValidationReport:
    """All claims, in the order they were looked at; `problems` counts those that do not hold."""

    reference: str
    digest: str
    valid: bool
    problems: int
    checks: tuple[CheckReport, ...]


def validation_report(image: Image, report: Report) -> ValidationReport:
    """The report as plain values."""
    checks = tuple(CheckReport(check.subject, check.claim, check.problem) for check in report.checks)
    problems = len(report.problems)
    return ValidationReport(str(image.reference), image.manifest.digest, not problems, problems, checks)


def render_validation(report: ValidationReport, console: Console) -> None:
    """Print the image and every problem; of what holds only the number."""
    console.print(visible(report.reference), style="bold", soft_wrap=True)
    console.print(report.digest, style="dim", soft_wrap=True)
    for check in report.checks:
        if check.problem:
            console.print(f"wrong  {visible(f'{check.subject}: {check.problem}')}", style="red", soft_wrap=True)
    held = len(report.checks) - report.problems
    console.print(f"{held} of {counted(len(report.checks), 'claim')} hold")
