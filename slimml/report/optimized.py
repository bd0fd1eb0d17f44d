"""What `optimize` made: both images measured, where the new one is, and what nobody checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.report.build_analysis import is_file
from slimml.report.proof import ProofReport, in_words, proof_report, render_proof
from slimml.report.receipt import ReceiptReport, receipt_report
from slimml.report.sizes import number, share, size
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible
from slimml.slim.plan import Verb

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.inventory.table import Inventory
    from slimml.slim.deliver import Delivered
    from slimml.slim.mending.prove import Proof
    from slimml.slim.optimize import Measured, Slimmed

UNVERIFIED = "unverified: slimml did not run the image"
"""followed by the reason"""


@dataclass(frozen=True)
class Side:
    """An image as it was measured. `compressed_bytes` are its blobs as stored; `tar_bytes` its layers uncompressed."""

    disk_bytes: int
    compressed_bytes: int
    tar_bytes: int
    layers: int
    files: int


@dataclass(frozen=True)
class OptimizedReport:
    """`plain` says that the source's layers are stored as plain tars, as engines do: there `tar_bytes` compare.

    `ledger`, `removed` and `start_order` are where these lie: a file, or the digest of an artifact of the image; None
    where not.
    """

    image: str
    result: ReceiptReport
    before: Side
    after: Side
    plain: bool
    ledger: str
    ledger_digest: str
    removed: str | None
    verified: bool
    verification: str
    proof: ProofReport | None
    start_order: str | None = None


def optimized_report(
    slimmed: Slimmed, inventory: Inventory, delivered: Delivered, proof: Proof | str
) -> OptimizedReport:
    """The report on a written image; `proof` is a reason where there is none."""
    proven = None if isinstance(proof, str) else proof_report(proof)
    files = is_file(inventory)
    gone = np.isin(slimmed.plan.verb, (Verb.DROP, Verb.MOVE))
    left = slimmed.relaid.files if slimmed.relaid else int((files & ~gone).sum()) + slimmed.added
    return OptimizedReport(
        image=str(inventory.image.reference),
        result=receipt_report(delivered.receipt),
        before=_side(slimmed.before, len(inventory.layers), int(files.sum())),
        after=_side(slimmed.after, len(slimmed.image.layers), left),
        plain=slimmed.plain,
        ledger=delivered.ledger,
        ledger_digest=slimmed.ledger.digest,
        removed=delivered.removed,
        verified=proven is not None,
        verification=in_words(proven) if proven else f"{UNVERIFIED}: {proof}",
        proof=proven,
        start_order=delivered.order,
    )


def _side(measured: Measured, layers: int, files: int) -> Side:
    return Side(measured.disk, measured.stored, measured.tar, layers, files)


def render_optimized(report: OptimizedReport, console: Console) -> None:
    """Print both images' numbers side by side, where the result and the ledger are, and what is proven."""
    heading(console, visible(report.result.reference))
    console.print(indented(report.result.digest))
    before, after = report.before, report.after
    table = plain_table("", ">before", ">after", ">less")
    stored = ("tar", before.tar_bytes, after.tar_bytes)
    if not report.plain:
        stored = ("compressed", before.compressed_bytes, after.compressed_bytes)
    for name, old, new in (("on disk", before.disk_bytes, after.disk_bytes), stored):
        table.add_row(name, size(old), size(new), share(old - new, old), style="bold")
    for name, old, new in (("layers", before.layers, after.layers), ("files", before.files, after.files)):
        table.add_row(name, number(old), number(new), share(old - new, old))
    console.print(indented(table))
    console.print(f"  ledger   {visible(report.ledger)}", soft_wrap=True)
    if report.removed:
        console.print(f"  removed  {visible(report.removed)}", soft_wrap=True)
    if report.start_order:
        console.print(f"  order    {visible(report.start_order)}", soft_wrap=True)
    if report.proof is not None:
        render_proof(report.proof, console)
    else:
        console.print(indented(visible(report.verification)), style="yellow")
