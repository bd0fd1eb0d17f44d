"""`slimml optimize IMAGE`: the plan, a question, a smaller image that was run, and what was measured."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slimml.cli import options, probing
from slimml.cli.by_use import DepthChoice, RecorderName, RecordingFiles, RecordNow, SeccompFile, by_use, recorded
from slimml.cli.proving import Asked, begin_proving, running
from slimml.cli.session import Session, with_session
from slimml.errors import Refused

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.cli.by_use import ByUse
    from slimml.inventory.table import Inventory
    from slimml.oci.reference import Reference
    from slimml.report.plan import PlanReport
    from slimml.slim.mending.prove import Proving
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
Verify = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify",
        help="Run both images, compare, put back what is needed; unless set, where an engine is there.",
        show_default=False,
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
    verify: Verify = None,
    probes: probing.ProbesFile = None,
    probe: probing.Requests = None,
    probe_command: probing.Commands = None,
    ready: probing.ReadyWhen = None,
    runtime: probing.RuntimeChoice = probing.Runtime.AUTO,
    gpus: probing.Gpus = None,
    recording: RecordingFiles = None,
    record: RecordNow = False,
    recorder: RecorderName = None,
    depth: DepthChoice = None,
    emit_seccomp: SeccompFile = None,
) -> None:
    """Make an image smaller and prove that it still works."""
    from slimml.bloat.detect import find_bloat
    from slimml.cli.destination import choose_destination
    from slimml.cli.reading import inventory_of, open_named
    from slimml.oci.reference import parse_reference
    from slimml.report.plan import plan_report
    from slimml.slim.planning import make_plan

    chosen = _options(session, level, only, skip, keep, flatten, compression, threads, keep_removed)
    said = recorded(recording, record, recorder, depth, emit_seccomp)
    chosen = replace(chosen, depth=said.depth if said.given else None)
    opened = open_named(image, session)
    destination = choose_destination(parse_reference(image), opened.reference, tag, output)
    inventory = inventory_of(opened, session)
    findings = find_bloat(inventory)
    asked = Asked(verify, probes, probe, probe_command, ready, runtime, gpus)
    run = running(session, inventory, asked) if said.now else None
    use = by_use(session, inventory, findings, said, run) if said.given else None
    findings = use.findings if use else findings
    plan = make_plan(inventory, findings, chosen)
    planned = plan_report(plan, inventory, str(destination))
    if use:
        use.write_profile()
    _show_plan(session, planned, use, dry_run)
    if dry_run:
        return
    _ask(session, planned, yes)
    proving = begin_proving(session, inventory, asked, run)
    _carry_out(session, inventory, findings, plan, proving, destination, ledger, use)


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


def _show_plan(session: Session, planned: "PlanReport", use: "ByUse | None", dry_run: bool) -> None:
    if session.json:
        if dry_run:
            session.answer("optimize", plan=planned, **_told(use))
        return
    from slimml.report.plan import render_plan

    if use:
        from slimml.report.by_use import render_by_use

        render_by_use(use.report, session.out)
    render_plan(planned, session.out)


def _told(use: "ByUse | None") -> dict[str, Any]:
    """The member of the document that a recording adds."""
    return {"by_use": use.report} if use else {}


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
    findings: "list[Finding]",
    plan: "Plan",
    proving: "Proving | str",
    destination: "Reference",
    ledger: Path | None,
    use: "ByUse | None",
) -> None:
    from slimml.report.optimized import optimized_report, render_optimized
    from slimml.report.plan import plan_report
    from slimml.slim.deliver import deliver
    from slimml.slim.mending.prove import slim_proven, slim_unproven
    from slimml.slim.workshop import work_store

    limits, progress = session.access.limits, session.progress
    with work_store() as store:
        if isinstance(proving, str):
            slimmed, proof = slim_unproven(inventory, plan, store, limits=limits, progress=progress), None
        else:
            slimmed, proof = slim_proven(
                inventory, findings, plan, proving, store, limits=limits, progress=progress, remark=session.remark
            )
        if use:
            slimmed = use.keep_order(slimmed, inventory, store)
        done = deliver(slimmed, destination, session.access, ledger=ledger, progress=progress)
    report = optimized_report(slimmed, inventory, done, proof or str(proving))
    if session.json:
        plan_told = plan_report(slimmed.plan, inventory, str(destination))
        session.answer("optimize", plan=plan_told, optimized=report, **_told(use))
    else:
        render_optimized(report, session.out)
