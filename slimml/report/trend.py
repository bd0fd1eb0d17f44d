"""Trends for a person at a terminal, and as a document: what changed, when, by how much, from which commits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.text import Text

from slimml.history.chart_words import amount, short_commit
from slimml.history.steps import FEWEST
from slimml.report.sizes import counted
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.history.trends import Change, Trend

Log = Callable[[str, str], Sequence[str]]
_SUBJECTS = 3
"""commits of a change that are shown"""


def trend_objects(trends: Iterable[Trend]) -> list[dict[str, Any]]:
    """Trends as the schema `trend` describes them."""
    found = []
    for trend in trends:
        one = asdict(trend)
        for told, change in zip(one["changes"], trend.changes, strict=True):
            told["share"] = change.share
        found.append(one | {"too_short": trend.too_short})
    return found


def render_trends(trends: Sequence[Trend], recent: int, console: Console, log: Log) -> None:
    """Print for each line what changed, the newest first; what began within `recent` points is marked as new.

    `log` tells the subjects of the commits after one up to another, the newest first; [] where nobody knows.
    """
    for line, group in groupby(trends, key=lambda trend: trend.line):
        own = list(group)
        points = max(len(trend.points) for trend in own)
        words = (line.image, line.host, line.engine, f"suite {line.suite}" if line.suite else "")
        heading(console, " · ".join(visible(word) for word in words if word))
        changed = [(change, trend) for trend in own for change in trend.changes]
        if changed:
            _table(changed, recent, console, log)
        console.print(f"  {_rest(own, points)}", soft_wrap=True)


def _table(changed: list[tuple[Change, Trend]], recent: int, console: Console, log: Log) -> None:
    table = plain_table("", "since", ">before", ">after", ">change", "figure, commits")
    for change, trend in sorted(changed, key=lambda both: both[0].began, reverse=True):
        new = change in trend.recent(recent)
        unit = trend.metric.unit
        style = ("red" if change.gates else "yellow") if change.worse else "green"
        lines = [", ".join([commits_in_words(change), *remarks_on(change, trend, new=new)])]
        subjects = log(*change.commits)
        lines += subjects[:_SUBJECTS]
        if len(subjects) > _SUBJECTS:
            lines.append(f"and {counted(len(subjects) - _SUBJECTS, 'earlier commit')}")
        table.add_row(
            Text("▲" if change.after > change.before else "▼", style=style),
            change.began[:10],
            amount(change.before, unit),
            amount(change.after, unit),
            Text(share_in_words(change), style=style),
            Text.assemble(visible(trend.metric.name), "\n", ("\n".join(map(visible, lines)), "dim")),
        )
    console.print(indented(table))


def share_in_words(change: Change) -> str:
    """How much more or less it became: +12.3 %, −4 %."""
    if change.share is None:
        return "from 0"
    return f"{100 * change.share:+.1f} %".replace("-", "−")


def commits_in_words(change: Change) -> str:
    """The range as git writes it: what is in the second commit and not in the first."""
    return "..".join(short_commit(commit) if commit else "?" for commit in change.commits)


def remarks_on(change: Change, trend: Trend, *, new: bool) -> list[str]:
    """What else is to be known of a change."""
    found = ["new"] if new else []
    if not change.gates and change.worse:
        found.append("wall time")
    if change.crept:
        found.append("in small steps")
    if trend.noise is not None:
        found.append(f"noise {100 * trend.noise:.1f} %")
    return [*found, *change.besides]


def _rest(own: Sequence[Trend], points: int) -> str:
    still = sum(not trend.changes and not trend.too_short for trend in own)
    short = sum(trend.too_short for trend in own)
    words = [counted(points, "result")]
    if still:
        words.append(f"{counted(still, 'figure')} without a change")
    if short:
        words.append(f"{counted(short, 'measured figure')} with fewer than {FEWEST} results, too few to say")
    return "; ".join(words)
