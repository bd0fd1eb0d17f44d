"""`slimml optimize IMAGE`: the plan, a question, a smaller image, and what was measured."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import options
from slimml.cli.session import Session, with_session
from slimml.errors import Refused

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.reference import Reference
    from slimml.report.plan import PlanReport
    from slimml.slim.options import Options
    from slimml.slim.plan import Plan

LevelChoice = Annotated[
    options.Level | None, typer.Option("--level", help="How much risk to take: safe unless set.", show_default=False)
]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="RULE", help="Apply this rule; repeatable.", show_default=False)
]
Skip = Annotated[
    list[str] | None, typer.Option("--skip", metavar="RULE", help="Leave this rule out.", show_default=False)
]
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="GLOB", help="Never touch these paths (/app/**).", show_default=False),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]
Flatten = Annotated[
    bool | None,
    typer.Option("--flatten/--no-flatten", help="Make one layer of all.", show_default=False),
]
Compression = Annotated[
    str | None,
    typer.Option(
        "--compression",
        metavar="KIND[:LEVEL]",
        help="Store every layer as gzip, zstd or none; else as it was stored.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None, typer.Option("--threads", metavar="N", help="Threads that compress.", min=0, show_default=False)
]
KeepRemoved = Annotated[
    bool | None,
    typer.Option(
        "--keep-removed/--no-keep-removed", help="Keep what is removed, for slimml restore.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(optimize))


def optimize(
    session: Session,
    image: options.ImageArgument,
    tag: options.Tag = None,
    output: options.Output = None,
    level: LevelChoice = None,
    only: Only = None,
    skip: Skip = None,
    keep: Keep = None,
    dry_run: DryRun = False,
    yes: options.Yes = False,
    flatten: Flatten = None,
    compression: Compression = None,
    threads: Threads = None,
    keep_removed: KeepRemoved = None,
    ledger: options.Ledger = None,
) -> None:
    """Make an image smaller, after showing the plan."""
    from slimml.bloat.detect import find_bloat
    from slimml.cli.destination import choose_destination
    from slimml.cli.reading import inventory_of, open_named
    from slimml.oci.reference import parse_reference
    from slimml.report.plan import plan_report
    from slimml.slim.planning import make_plan

    chosen = _options(session, level, only, skip, keep, flatten, compression, threads, keep_removed)
    opened = open_named(image, session)
    destination = choose_destination(parse_reference(image), opened.reference, tag, output)
    inventory = inventory_of(opened, session)
    plan = make_plan(inventory, find_bloat(inventory), chosen)
    planned = plan_report(plan, inventory, str(destination))
    _show_plan(session, planned, dry_run)
    if dry_run:
        return
    _ask(session, planned, yes)
    _carry_out(session, inventory, plan, planned, destination, ledger)


def _options(
    session: Session,
    level: options.Level | None,
    only: list[str] | None,
    skip: list[str] | None,
    keep: list[str] | None,
    flatten: bool | None,
    compression: str | None,
    threads: int | None,
    keep_removed: bool | None,
) -> "Options":
    """What the command line says over what the settings say."""
    from slimml.bloat.rules import check_rules
    from slimml.oci.codec import parse_encoding
    from slimml.settings import source_date_epoch
    from slimml.slim.options import Level, Options

    kept = session.settings.optimize
    check_rules(only or kept.only, "--only")
    check_rules(skip or kept.skip, "--skip")
    count = kept.threads if threads is None else threads
    kind = compression or kept.compression
    return Options(
        level=Level((level or options.Level(kept.level)).value),
        only=frozenset(only or kept.only),
        skip=frozenset(skip or kept.skip),
        keep=tuple(keep or kept.keep),
        flatten=kept.flatten if flatten is None else flatten,
        encoding=parse_encoding(kind, count) if kind else None,
        source_date_epoch=source_date_epoch(),
        keep_removed=kept.keep_removed if keep_removed is None else keep_removed,
        threads=count,
    )


def _show_plan(session: Session, planned: "PlanReport", dry_run: bool) -> None:
    if session.json:
        if dry_run:
            session.answer("optimize", plan=planned)
        return
    from slimml.report.plan import render_plan

    render_plan(planned, session.out)


def _ask(session: Session, planned: "PlanReport", yes: bool) -> None:
    """Let a person confirm; raises Refused where nobody did."""
    if yes:
        return
    if session.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"{planned.image}: nobody confirmed the plan; say --yes to carry it out, --dry-run to see it")
    if not typer.confirm("Do it?", err=True):
        raise Refused(f"{planned.image}: nothing was done")


def _carry_out(
    session: Session,
    inventory: "Inventory",
    plan: "Plan",
    planned: "PlanReport",
    destination: "Reference",
    ledger: Path | None,
) -> None:
    from slimml.report.optimized import optimized_report, render_optimized
    from slimml.slim.deliver import deliver
    from slimml.slim.optimize import carry_out
    from slimml.slim.workshop import work_store

    with work_store() as store:
        slimmed = carry_out(inventory, plan, store, limits=session.access.limits, progress=session.progress)
        done = deliver(slimmed, destination, session.access, ledger=ledger, progress=session.progress)
    report = optimized_report(slimmed, inventory, done)
    if session.json:
        session.answer("optimize", plan=planned, optimized=report)
    else:
        render_optimized(report, session.out)
