"""What building a mended Dockerfile came to: sizes before and after, rules dropped, what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.dockerfile import FixReport, fix_report, render_fix
from slimml.report.sizes import share, size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.slim.dockerfiles.prove import Proven


@dataclass(frozen=True)
class DroppedRule:
    """A rule whose image did not build or did not answer as the original did."""

    rule: str
    why: str


@dataclass(frozen=True)
class BuildReport:
    """`verified` are the names of the probes that both images answered the same, empty where nobody asked. `trials` is
    how many sets of rules were built."""

    fix: FixReport
    before_bytes: int
    after_bytes: int
    before_layers: int
    after_layers: int
    dropped: tuple[DroppedRule, ...]
    trials: int
    verified: tuple[str, ...]
    tag: str


def build_report(path: str, found: Proven, written: Sequence[str], tag: str) -> BuildReport:
    """What was found as data."""
    rows = found.verification.rows if found.verification else ()
    return BuildReport(
        fix_report(path, found.fixed, written),
        found.before.disk_bytes,
        found.after.disk_bytes,
        found.before.layers,
        found.after.layers,
        tuple(DroppedRule(rule, why) for rule, why in found.dropped.items()),
        found.trials,
        tuple(row.probe for row in rows),
        tag,
    )


def render_build(report: BuildReport, out: Console) -> None:
    """The rules, the sizes and the proof."""
    render_fix(report.fix, out)
    for one in report.dropped:
        out.print(visible(f"dropped {one.rule}: {one.why}"), soft_wrap=True)
    gone = report.before_bytes - report.after_bytes
    out.print(
        f"\n{size(report.before_bytes)} before, {size(report.after_bytes)} after: "
        f"{share(gone, report.before_bytes)} less, in {report.after_layers} layers (before {report.before_layers})"
    )
    if report.verified:
        out.print(f"verified: both images answer {len(report.verified)} probes the same", soft_wrap=True)
    else:
        out.print("unverified: nothing was asked")
    if report.tag:
        out.print(f"the image is {visible(report.tag)}")
