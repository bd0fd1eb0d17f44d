"""`slimml check IMAGE`: an image held against budgets, and against the one that it may grow from."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import options
from slimml.cli.session import Session, with_session
from slimml.errors import NotFound, UsageError

if TYPE_CHECKING:
    from slimml.gates.bench_times import Times
    from slimml.gates.budget import Budget
    from slimml.gates.difference import Difference
    from slimml.gates.measure import Subject
    from slimml.report.check import CheckReport

EXCEEDED = 12
"""exit code: a budget that fails is exceeded"""

Against = Annotated[
    str | None,
    typer.Option("--against", metavar="BASE", help="The image that it may grow from.", show_default=False),
]
BenchFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--bench", metavar="FILE", help="Times: what slimml bench --json printed; repeatable.", show_default=False
    ),
]
BudgetWords = Annotated[
    list[str] | None,
    typer.Option("--budget", metavar="NAME=VALUE", help="One more budget, such as size=+5%.", show_default=False),
]
BudgetsFile = Annotated[
    Path | None,
    typer.Option(
        "--budgets", metavar="FILE", help="Take [budgets] from this file; else the settings'.", show_default=False
    ),
]
DiveFile = Annotated[
    Path | None,
    typer.Option("--dive-ci", metavar="FILE", help="dive's rules; else .dive-ci, if it is here.", show_default=False),
]
Strict = Annotated[bool, typer.Option("--strict", help="Fail on warnings, and on what could not be checked.")]
Markdown = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="Write a summary for a pull request.", show_default=False),
]
Junit = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML as well.", show_default=False)
]
Sarif = Annotated[
    Path | None, typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0 as well.", show_default=False)
]
Top = Annotated[int, typer.Option("--top", metavar="N", help="How many packages and paths to list.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(check))


def check(
    session: Session,
    image: options.ImageArgument,
    against: Against = None,
    bench: BenchFiles = None,
    budget: BudgetWords = None,
    budgets: BudgetsFile = None,
    dive_ci: DiveFile = None,
    strict: Strict = False,
    markdown: Markdown = None,
    junit: Junit = None,
    sarif: Sarif = None,
    top: Top = 20,
) -> None:
    """Hold an image against budgets: pass, warn or fail.

    Budgets stand under [budgets] of slimml.toml, and in dive's .dive-ci. The exit code is 12 when one that fails is
    exceeded, else 0; --strict fails on warnings, and on what could not be checked, too.
    """
    asked = budgets_of(budgets, dive_ci, budget or [])
    if not asked:
        raise UsageError("no budget is set; write [budgets] into slimml.toml, or give --budget compressed='200 MB'")
    from slimml.gates.bench_times import read_times
    from slimml.gates.check import Status
    from slimml.gates.check import check as hold
    from slimml.gates.diff import image_side
    from slimml.report.check import check_report, render_check

    times = tuple(read_times(path) for path in bench or [])
    base, subject = _subjects(against, image, times, session)
    verdict = hold(asked, subject, base, strict=strict)
    difference = _difference(base, subject, top)
    side = image_side(base.inventory) if base else None
    report = check_report(image_side(subject.inventory), side, verdict, difference)
    _write(report, markdown, junit, sarif, top)
    if session.json:
        session.answer("check", report)
    else:
        render_check(report, session.out)
    if verdict.status is Status.FAIL:
        raise typer.Exit(EXCEEDED)


def budgets_of(file: Path | None, dive_file: Path | None, words: list[str]) -> "list[Budget]":
    """All budgets that hold here; raises UsageError, NotFound, AccessDenied."""
    from slimml.gates.dive_rules import FILE, read_dive_rules
    from slimml.gates.read_budgets import Origin, parse_budget, read_budgets
    from slimml.settings import BUDGETS, section

    if file is not None and not file.is_file():
        raise NotFound(f"{file} does not exist; --budgets takes a file with [budgets]")
    found = []
    written = section(Path.cwd(), BUDGETS, file)
    if written is not None:
        found += read_budgets(written.table, Origin(os.path.relpath(written.path), written.heading, written.text))
    elif file is not None:
        raise UsageError(f"{file} has no [budgets]; docs/gates.md describes them")
    here = Path(FILE)
    if dive_file is not None or here.is_file():
        found += read_dive_rules(dive_file or here)
    return found + [one for text in words for one in parse_budget(text)]


def _subjects(
    against: str | None, image: str, times: "tuple[Times, ...]", session: Session
) -> "tuple[Subject | None, Subject]":
    """The base, if there is one, and the image."""
    from slimml.bloat.detect import find_bloat
    from slimml.cli.comparing import inventories_of
    from slimml.cli.reading import inventory_of, open_named
    from slimml.gates.measure import Subject

    if against is None:
        inventory = inventory_of(open_named(image, session), session)
        return None, Subject(image, inventory, find_bloat(inventory), times)
    before, after = inventories_of(against, image, session)
    return Subject(against, before, find_bloat(before), times), Subject(image, after, find_bloat(after), times)


def _difference(base: "Subject | None", subject: "Subject", top: int) -> "Difference | None":
    if base is None:
        return None
    from slimml.gates.diff import diff_images

    return diff_images(base.inventory, subject.inventory, top)


def _write(report: "CheckReport", markdown: Path | None, junit: Path | None, sarif: Path | None, top: int) -> None:
    """The files that were asked for, each whole or not at all."""
    from slimml import __version__
    from slimml.cli.whole_file import write_whole

    if markdown is not None:
        from slimml.report.check_markdown import check_markdown

        write_whole(markdown, check_markdown(report, top).encode())
    if junit is not None:
        from slimml.report.junit import junit as as_junit

        write_whole(junit, as_junit(report))
    if sarif is not None:
        from slimml.report.check_sarif import check_sarif

        write_whole(sarif, json.dumps(check_sarif(report, __version__), indent=2).encode() + b"\n")
