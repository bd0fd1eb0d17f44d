"""`slimml trend [IMAGE]`: what changed in the history, when, and from which commits."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.history import Host, Image, Metrics, Store, read_store, store_of
from slimml.cli.session import Session, with_session
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.history.trends import Trend

WORSE = 13
"""a figure got worse (docs/exit-codes.md)"""


class FailOn(StrEnum):
    """Which changes for the worse end with WORSE."""

    NEVER = "never"
    GATING = "gating"
    ANY = "any"


Engine = Annotated[
    str | None, typer.Option("--engine-class", metavar="ENGINE", help="Only of this engine.", show_default=False)
]
Suite = Annotated[
    str | None, typer.Option("--suite", metavar="VERSION", help="Only of this suite.", show_default=False)
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw size, pull and start, as .svg or .png.", show_default=False),
]
Tolerance = Annotated[
    str,
    typer.Option("--tolerance", metavar="SHARE", help="What bytes and counts may change by before it is told."),
]
Recent = Annotated[int, typer.Option("--recent", metavar="N", help="Changes within the last N results are new.", min=1)]
Failing = Annotated[
    FailOn,
    typer.Option(
        "--fail-on", help="End with 13 when such a figure got worse and that is new; gating: all but wall time."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=False)(trend))


def trend(
    session: Session,
    image: Image = None,
    history: Store = None,
    metric: Metrics = None,
    host: Host = None,
    engine_class: Engine = None,
    suite: Suite = None,
    tolerance: Tolerance = "1%",
    recent: Recent = 4,
    fail_on: Failing = FailOn.GATING,
    picture: Picture = None,
) -> None:
    """Say what changed in the history, when, and by which commits."""
    from functools import cache, partial

    from slimml.history.commit import subjects_between
    from slimml.history.trends import trends
    from slimml.report.history import damage_objects
    from slimml.report.trend import render_trends, trend_objects

    allowed = _share(tolerance)
    directory = store_of(session, history)
    kept = read_store(session, directory, image, host)
    results = [one for one in kept.results if engine_class in (None, one.engine) and suite in (None, one.suite)]
    found = trends(results, metric or [], tolerance=allowed)
    failed = _failed(found, recent, fail_on)
    if picture is not None:
        from slimml.history.chart import draw_trends

        draw_trends(found, picture, budgets=_budgets())
    if session.json:
        session.answer(
            "trend", directory=str(directory), tolerance=allowed, recent=recent, trends=trend_objects(found),
            failed=failed, damaged=damage_objects(kept.damaged),
        )  # fmt: skip
    else:
        render_trends(found, recent, session.out, cache(partial(subjects_between, Path.cwd())))
    if failed:
        raise typer.Exit(WORSE)


def _failed(found: "list[Trend]", recent: int, fail_on: FailOn) -> bool:
    changes = [change for one in found for change in one.recent(recent) if change.worse]
    match fail_on:
        case FailOn.NEVER:
            return False
        case FailOn.GATING:
            return any(change.gates for change in changes)
        case FailOn.ANY:
            return bool(changes)


def _share(words: str) -> float:
    """`1%`, `1 %` or `0.01` as a share; raises UsageError."""
    text = words.strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise UsageError(f"--tolerance {words}: this is no share such as 1% or 0.01")
    return share


def _budgets() -> dict[str, float]:
    """The budgets of the settings that a chart can show, by pattern of figures."""
    from slimml.gates.read_budgets import Origin, read_budgets
    from slimml.report.trend_budgets import drawn_budgets
    from slimml.settings import BUDGETS, section

    table = section(Path.cwd(), BUDGETS)
    if table is None:
        return {}
    return drawn_budgets(read_budgets(table.table, Origin(str(table.path), table.heading, table.text)))
