"""What `optimize` does between its options and its answer, for one image or several at once."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from slimml.cli.by_use import ByUse, Recorded, by_use, load_recordings
from slimml.cli.proving import Asked, Running, begin_proving, running
from slimml.cli.session import Session
from slimml.cli.starting import make_quick
from slimml.errors import Refused

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.oci.reference import Reference
    from slimml.report.optimized import OptimizedReport
    from slimml.slim.mending.prove import Gentler
    from slimml.slim.options import Options
    from slimml.slim.plan import Plan
    from slimml.slim.replacing.choose import Wanted
    from slimml.slim.replacing.offer import Offer
    from slimml.slim.shared import Member
    from slimml.slim.starting.objective import Wish
    from slimml.slim.together import Made


@dataclass(frozen=True)
class Subject:
    """An image to be made smaller, and what is known of it."""

    inventory: "Inventory"
    findings: "list[Finding]"
    destination: "Reference"
    asked: Asked
    run: Running | None
    use: ByUse | None
    offers: "Mapping[int, Offer]" = field(default_factory=dict)
    gentler: "Gentler | None" = None

    @property
    def member(self) -> "Member":
        """What is planned."""
        from slimml.slim.shared import Member

        return Member(self.inventory, self.findings, offers=self.offers, gentler=self.gentler)


@dataclass(frozen=True)
class Files:
    """What is written beside the image: one more copy of the ledger, a page for browsers."""

    ledger: Path | None = None
    html: Path | None = None


def prepare(
    session: Session, images: list[str], asked: list[Asked], said: Recorded, tag: str | None, output: str | None
) -> list[Subject]:
    """Open each image, take its inventory, find what could go, and take or make its recording."""
    from slimml.bloat.detect import find_bloat
    from slimml.cli.destination import choose_destination
    from slimml.cli.reading import inventory_of, open_named
    from slimml.oci.reference import parse_reference

    found = []
    recordings = load_recordings(said)
    opened = [open_named(words, session) for words in images]
    for words, image, about in zip(images, opened, asked, strict=True):
        destination = choose_destination(parse_reference(words), image.reference, tag, output)
        inventory = inventory_of(image, session)
        findings = find_bloat(inventory)
        run = running(session, inventory, about) if said.now else None
        use = None
        if said.given:
            # One image's recordings that are of another are refused; of several, each takes its own.
            own = [it for it in recordings if len(images) == 1 or it.diff_ids == image.config.diff_ids]
            use = by_use(session, inventory, findings, said, own, run)
        found.append(Subject(inventory, use.findings if use else findings, destination, about, run, use))
    _refuse_strangers(recordings, found)
    return found


def _refuse_strangers(recordings: "list[Any]", subjects: list[Subject]) -> None:
    known = {subject.inventory.image.config.diff_ids for subject in subjects}
    for recording in recordings:
        if recording.diff_ids not in known:
            names = ", ".join(str(subject.inventory.image.reference) for subject in subjects)
            raise Refused(f"a recording is of another image ({recording.image}), none of {names}; record these")


def slim_subjects(
    session: Session,
    subjects: list[Subject],
    options: "Options",
    wanted: "Wanted",
    start: "Wish",
    files: Files,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Plan, show, ask, and make the images; a dry run ends when the plans are shown."""
    from slimml.slim.workshop import work_store

    with work_store() as store:
        subjects = _with_offers(session, subjects, options, wanted, store)
        plans = _plan(subjects, options)
        _show_plans(session, subjects, plans, dry_run)
        if not dry_run:
            _ask(session, subjects, yes)
            _carry_out(session, subjects, plans, store, start, files)
        elif files.html:
            _write_page(session, files.html, subjects[0], plans[0])


def _with_offers(
    session: Session, subjects: list[Subject], options: "Options", wanted: "Wanted", store: "BlobStore"
) -> list[Subject]:
    """The subjects with smaller contents of their files, which lie in `store` until the images are written."""
    from slimml.inventory.kept_files import shrunk_directory
    from slimml.inventory.read_rows import read_rows
    from slimml.slim.planning import make_plan
    from slimml.slim.replacing.choose import choose_shrinkers
    from slimml.slim.replacing.gentler import GentlerModels
    from slimml.slim.replacing.models import COMPACT, QUANTIZE
    from slimml.slim.replacing.remembered import Remembered
    from slimml.slim.replacing.replace import make_offers

    limits, progress = session.access.limits, session.progress
    place, remembered = Path(store.path, "shrunk"), Remembered(shrunk_directory())
    found = []
    for subject in subjects:
        inventory = subject.inventory
        read = partial(read_rows, inventory, limits=limits)
        chosen = choose_shrinkers(inventory, options, wanted, read)
        for remark in chosen.remarks:
            session.remark(remark)
        plan = make_plan(inventory, subject.findings, options)
        make = partial(
            make_offers, inventory, plan, place=place, remembered=remembered, limits=limits, progress=progress
        )
        offers = make(chosen.shrinkers)
        gentler = None
        if len(subjects) == 1 and wanted.models in (COMPACT, QUANTIZE):
            gentler = GentlerModels(inventory, wanted.models, read, make)
        found.append(replace(subject, offers=offers.taken, gentler=gentler))
    return found


def _plan(subjects: list[Subject], options: "Options") -> "list[Plan]":
    """A plan for each; layers that several have in common become the same."""
    from slimml.slim.planning import make_plan
    from slimml.slim.shared import shared_plans

    if len(subjects) == 1:
        return [make_plan(subjects[0].inventory, subjects[0].findings, options, offers=subjects[0].offers)]
    return shared_plans([subject.member for subject in subjects], options)


def _show_plans(session: Session, subjects: list[Subject], plans: "list[Plan]", dry_run: bool) -> None:
    """Show what is about to be done, and write the profiles that a recording tells; JSON only where that is all."""
    from slimml.report.by_use import render_by_use
    from slimml.report.plan import plan_report, render_plan

    documents = []
    for subject, plan in zip(subjects, plans, strict=True):
        planned = plan_report(plan, subject.inventory, str(subject.destination))
        documents.append({"plan": planned, **_told(subject.use)})
        if subject.use:
            subject.use.write_profile()
        if not session.json:
            if subject.use:
                render_by_use(subject.use.report, session.out)
            render_plan(planned, session.out)
    if session.json and dry_run:
        _answer(session, subjects, documents)


def _told(use: ByUse | None) -> dict[str, Any]:
    """The member of the document that a recording adds."""
    return {"by_use": use.report} if use else {}


def _answer(session: Session, subjects: list[Subject], documents: list[dict[str, Any]]) -> None:
    if len(subjects) == 1:
        session.answer("optimize", **documents[0])
    else:
        from slimml.slim.shared import shared_layers

        session.answer(
            "optimize-shared", images=documents, shared_layers=shared_layers([subject.member for subject in subjects])
        )


def _ask(session: Session, subjects: list[Subject], yes: bool) -> None:
    """Let a person confirm; raises Refused where nobody did."""
    if yes:
        return
    names = ", ".join(str(subject.inventory.image.reference) for subject in subjects)
    if session.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"{names}: nobody confirmed the plan; say --yes to carry it out, --dry-run to see it")
    if not typer.confirm("Do it?", err=True):
        raise Refused(f"{names}: nothing was done")


def _carry_out(
    session: Session, subjects: list[Subject], plans: "list[Plan]", store: "BlobStore", start: "Wish", files: Files
) -> None:
    """Make the images, prove them, deliver all of them or none, and report."""
    from slimml.report.optimized import render_optimized
    from slimml.report.plan import plan_report
    from slimml.report.starting import render_bytecode

    provings = [begin_proving(session, it.inventory, it.asked, it.run) for it in subjects]
    documents = []
    if len(subjects) == 1:
        alone, bytecode = make_quick(session, subjects[0].member, plans[0], provings[0], start, store)
        made: list[Made | None] = [alone]
    else:
        made, bytecode = _make(session, subjects, plans, provings, store), None
    for subject, plan, one in zip(subjects, plans, made, strict=True):
        report = _deliver(session, subject, one, store, files.ledger) if one else None
        if report is None:
            session.remark(f"{subject.inventory.image.reference} stays as it is: nothing to gain")
        elif not session.json:
            render_optimized(report, session.out)
            if bytecode is not None:
                render_bytecode(bytecode, session.out)
        carried = one.slimmed.plan if one else plan
        told = plan_report(carried, subject.inventory, str(subject.destination))
        if files.html:
            _write_page(session, files.html, subject, carried, report, one)
        more: dict[str, Any] = {"optimized": report} if report else {}
        if bytecode is not None:
            more["bytecode"] = bytecode
        documents.append({"plan": told, **more, **_told(subject.use)})
    if session.json:
        _answer(session, subjects, documents)


def _write_page(
    session: Session,
    path: Path,
    subject: Subject,
    plan: "Plan",
    report: "OptimizedReport | None" = None,
    made: "Made | None" = None,
) -> None:
    from slimml.cli.page import write_done
    from slimml.report.plan import plan_report

    planned = plan_report(plan, subject.inventory, str(subject.destination))
    ledger = (made.slimmed.ledger, made.slimmed.store) if made else None
    write_done(session, path, subject.inventory, subject.findings, planned, report, ledger)


def _make(
    session: Session, subjects: list[Subject], plans: "list[Plan]", provings: "list[Any]", store: "BlobStore"
) -> "list[Made | None]":
    from slimml.slim.together import slim_together

    limits, progress, remark = session.access.limits, session.progress, session.remark
    members = [subject.member for subject in subjects]
    return slim_together(members, plans, provings, store, limits=limits, progress=progress, remark=remark)


def _deliver(
    session: Session, subject: Subject, made: "Made", store: "BlobStore", ledger: Path | None
) -> "OptimizedReport":
    from slimml.report.optimized import optimized_report
    from slimml.slim.deliver import deliver

    slimmed = made.slimmed
    if subject.use:
        slimmed = subject.use.keep_order(slimmed, subject.inventory, store)
    for remark in slimmed.remarks:
        session.remark(remark)
    done = deliver(slimmed, subject.destination, session.access, ledger=ledger, progress=session.progress)
    return optimized_report(slimmed, subject.inventory, done, made.proof)
