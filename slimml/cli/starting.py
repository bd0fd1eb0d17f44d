"""What `optimize` does so that an image starts sooner: its options, and bytecode that is kept where it helps."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slimml.cli.option_groups import with_group
from slimml.cli.session import Session
from slimml.errors import Refused, SlimmlError, Unavailable, Unproven, Unsupported, UsageError

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.report.starting import BytecodeReport
    from slimml.slim.mending.prove import Proving
    from slimml.slim.plan import Plan
    from slimml.slim.shared import Member
    from slimml.slim.starting.compiling import Bytecode, Compiled
    from slimml.slim.starting.missing import Uncompiled
    from slimml.slim.starting.objective import Wish
    from slimml.slim.together import Made

Objective = Annotated[
    str,
    typer.Option(
        "--objective",
        metavar="WHAT",
        help="What counts most: size, pull, start, or balance of them; bytecode is added for start, and by balance "
        "where an image was made without.",
    ),
]
CompileBytecode = Annotated[
    bool | None,
    typer.Option(
        "--compile-bytecode/--no-compile-bytecode",
        help="Add bytecode that is missing, if starts measured in turn are quicker; unless set, the objective says.",
        show_default=False,
    ),
]
_OPTIONS: dict[str, tuple[Any, Any]] = {
    "objective": (Objective, "balance"),
    "compile_bytecode": (CompileBytecode, None),
}


def wish(objective: str, compile_bytecode: bool | None) -> "Wish":
    """What the options say; raises UsageError."""
    from slimml.slim.starting.objective import Objective as Aim
    from slimml.slim.starting.objective import Wish

    try:
        return Wish(Aim(objective), compile_bytecode)
    except ValueError:
        raise UsageError(f"--objective {objective}: not one of {', '.join(Aim)}") from None


with_wish = with_group("start", _OPTIONS, wish)
"""Gives a command the options of this module, and passes what they say as its argument `start`, a Wish"""


def make_quick(
    session: Session, member: "Member", plan: "Plan", proving: "Proving | str", start: "Wish", store: "BlobStore"
) -> "tuple[Made, BytecodeReport | None]":
    """Carry out a plan (`slim_one`), and add bytecode to the result where that is wished and helps.

    An image from which nothing goes is taken as it is where somebody insists. Raises what doing either raises.
    """
    from slimml.slim.starting.result import unchanged
    from slimml.slim.together import Made, slim_one

    reach: dict[str, Any] = {"limits": session.access.limits, "progress": session.progress, "remark": session.remark}
    try:
        made = slim_one(member, plan, proving, store, **reach)
    except Refused as nothing:
        if not start.insists:
            raise
        same = Made(unchanged(member.inventory, plan, store), "nothing was changed")
        made, report = start_sooner(session, member.inventory, same, proving, start, store)
        if made is same:
            raise Refused(f"{nothing}; {report.reason if report else 'no bytecode is missing'}") from None
        return made, report
    return start_sooner(session, member.inventory, made, proving, start, store)


def start_sooner(
    session: Session,
    inventory: "Inventory",
    made: "Made",
    proving: "Proving | str",
    start: "Wish",
    store: "BlobStore",
) -> "tuple[Made, BytecodeReport | None]":
    """The result with bytecode, where it is asked for, helps, and the image answers with it as the original does.

    `inventory` is the original's. Raises what doing it raises, where somebody insisted; else it is left, with a remark.
    """
    if not start.tries:
        return made, None
    try:
        return _with_bytecode(session, inventory, made, proving, start, store)
    except SlimmlError as error:
        if start.insists:
            raise
        session.remark(f"no bytecode was added: {error}")
        return made, None


def _with_bytecode(
    session: Session, original: "Inventory", made: "Made", proving: "Proving | str", start: "Wish", store: "BlobStore"
) -> "tuple[Made, BytecodeReport | None]":
    from slimml.cli.reading import inventory_of
    from slimml.report.starting import bytecode_report
    from slimml.slim.starting.adding import add_bytecode, check_added
    from slimml.slim.starting.missing import uncompiled
    from slimml.slim.starting.result import measure, with_added
    from slimml.startup.judging import judge

    slimmed = made.slimmed
    options = slimmed.plan.options
    # The original's table is there; that of the result costs another reading.
    if not start.considers(original, uncompiled(original)):
        if start.insists:
            session.remark("no bytecode was added: none is missing")
        return made, None
    before = inventory_of(slimmed.image, session)
    modules = uncompiled(before)
    if not start.considers(before, modules):
        if start.insists:
            session.remark("no bytecode was added: none is missing")
        return made, None
    if options.lazy is not None:
        raise Unsupported("bytecode is not added to layers in a lazy format; say --compile-bytecode without --lazy")
    if isinstance(proving, str):
        raise Unavailable(f"whether bytecode helps could not be measured ({proving}); it is kept only where it does")
    compiled = _compiled(session, before, modules, proving)
    told = (start.objective.value, len(compiled.files), len(compiled.failed), _bytes(compiled.files))
    image = add_bytecode(
        before,
        compiled.files,
        store,
        threads=options.threads,
        epoch=options.source_date_epoch,
        limits=session.access.limits,
    )
    after = inventory_of(image, session)
    check_added(before, after, compiled.files)
    sizes = [measure(one) for one in (original, after)]
    if not start.accepts(*(size.tar if slimmed.plain else size.stored for size in sizes)):
        return made, bytecode_report(*told, None, "the image would be larger than the original (--objective start)")
    session.remark(f"Starting the image without and with bytecode of {len(compiled.files)} modules, in turn …")
    judgement = judge(proving.engine, slimmed.image, image, proving.baseline.suite, progress=session.progress)
    report = bytecode_report(*told, judgement)
    if not report.kept:
        return made, report
    note = f"added bytecode of {len(compiled.files)} modules; {report.reason}"
    return _proven(
        session, replace(made, slimmed=with_added(slimmed, after, len(compiled.files), [note])), proving
    ), report


def _compiled(
    session: Session, inventory: "Inventory", modules: "tuple[Uncompiled, ...]", proving: "Proving"
) -> "Compiled":
    from slimml.slim.starting.compiling import compile_modules
    from slimml.slim.starting.missing import optimisation

    with proving.engine.prepare(inventory.image, session.progress) as prepared:
        level = optimisation(inventory)
        return compile_modules(proving.engine, prepared, inventory, modules, level, session.progress)


def _bytes(files: "tuple[Bytecode, ...]") -> int:
    return sum(len(one.content) for one in files)


def _proven(session: Session, made: "Made", proving: "Proving") -> "Made":
    """The result, asked all probes once more; raises Unproven where it answers otherwise than the original."""
    from slimml.slim.assemble import labelled
    from slimml.slim.mending.evidence import symptom
    from slimml.slim.mending.prove import Proof
    from slimml.verify.verification import Verdict
    from slimml.verify.verify import check_against

    verification = check_against(proving.engine, proving.baseline, made.slimmed.image, session.progress)
    if verification.verdict is not Verdict.SAME:
        raise Unproven(f"with bytecode added the image is not right: {symptom(verification)}")
    known = made.proof
    if isinstance(known, str):
        known = Proof(verification, (), 0, 0)
        image = labelled(made.slimmed.image, made.slimmed.store, {"verified": f"{len(verification.rows)} probes"})
        made = replace(made, slimmed=replace(made.slimmed, image=image))
    return replace(made, proof=replace(known, verification=verification))
