"""From the file table and the findings to the values of an analysis; every number of a report is made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.attribute import account
from slimml.bloat.breakdown import breakdown
from slimml.bloat.efficiency import efficiency_of
from slimml.bloat.finding import Action, Finding, Findings, Risk
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.report.analysis import (
    Amount,
    AnalysisReport,
    FindingLayer,
    FindingReport,
    ImageFacts,
    LayerReport,
    OwnerReport,
    PathReport,
    Reclaimable,
)
from slimml.report.unknowns import unknowns_of
from slimml.report.updates import largest_layer_share, updates_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_NO_FILE = (Kind.DIRECTORY, Kind.WHITEOUT, Kind.OPAQUE)


def analyse(inventory: Inventory, findings: Findings, top: int = 10) -> AnalysisReport:
    """The report on an image; `top` bounds the paths listed with each finding."""
    cut = breakdown(inventory)
    return AnalysisReport(
        image=_image(inventory),
        reclaimable=tuple(_reclaimable(inventory, findings, risk) for risk in Risk),
        layers=_layers(inventory, findings),
        owners=_owners(inventory),
        archive_bytes=sum(layer.trailer_compressed for layer in inventory.layers),
        systems=cut.systems,
        forms=cut.forms,
        findings=tuple(sorted((finding_report(inventory, f, top) for f in findings), key=_by_size)),
        efficiency=efficiency_of(inventory),
        unknowns=unknowns_of(inventory),
        largest_layer_share=largest_layer_share(inventory),
        updates=updates_of(inventory),
    )


def finding_report(inventory: Inventory, finding: Finding, top: int | None) -> FindingReport:
    """The report on one finding with its `top` largest files, all of them when None."""
    return FindingReport(
        rule=finding.rule,
        title=finding.title,
        risk=finding.risk,
        action=finding.action,
        total=_amount(inventory, [finding]),
        layers=tuple(
            FindingLayer(share.layer, share.command, share.disk_bytes, share.compressed_bytes)
            for share in finding.shares
        ),
        packages=tuple(inventory.owners[position].label for position in finding.owners),
        biggest=biggest_paths(inventory, finding.mentioned if finding.mentioned.size else finding.rows, top),
        fix=finding.fix,
        reason=finding.reason,
    )


def biggest_paths(inventory: Inventory, rows: NDArray[np.int64], top: int | None = None) -> tuple[PathReport, ...]:
    """The largest of `rows` by content, then by path; all of them when `top` is None. Directories are left out."""
    kinds, sizes = inventory.column("kind"), inventory.column("size")
    rows = rows[~np.isin(kinds[rows], _NO_FILE)]
    if top is not None and len(rows) > top:
        rows = rows[np.argpartition(-sizes[rows], top - 1)[:top]]
    compressed = inventory.column("compressed")
    found = [
        PathReport(inventory.paths[row], int(inventory.layer[row]), int(sizes[row]), int(compressed[row]))
        for row in rows.tolist()
    ]
    return tuple(sorted(found, key=lambda path: (-path.disk_bytes, path.path, path.layer)))


def biggest_of_layer(inventory: Inventory, index: int, top: int) -> tuple[PathReport, ...]:
    """The largest files of one layer."""
    return biggest_paths(inventory, np.arange(inventory.starts[index], inventory.starts[index + 1]), top)


def is_file(inventory: Inventory) -> NDArray[np.bool_]:
    """Per row whether it counts as a file: neither a directory nor a whiteout."""
    return ~np.isin(inventory.column("kind"), _NO_FILE)


def _image(inventory: Inventory) -> ImageFacts:
    image, files, live = inventory.image, is_file(inventory), inventory.state == State.LIVE
    return ImageFacts(
        reference=str(image.reference),
        digest=image.manifest.digest,
        platform=str(image.config.platform),
        layers=len(inventory.layers),
        files=int(files.sum()),
        live_files=int((files & live).sum()),
        disk_bytes=inventory.disk_bytes,
        live_bytes=int(inventory.column("size")[live].sum()),
        compressed_bytes=inventory.compressed_bytes,
        compressed_estimated=any(layer.estimated for layer in inventory.layers),
    )


def _amount(inventory: Inventory, findings: Findings) -> Amount:
    files = is_file(inventory)
    return Amount(
        sum(int(files[finding.rows].sum()) for finding in findings),
        sum(finding.disk_bytes for finding in findings),
        sum(finding.compressed_bytes for finding in findings),
    )


def _reclaimable(inventory: Inventory, findings: Findings, risk: Risk) -> Reclaimable:
    of_risk = [finding for finding in findings if finding.risk is risk]
    done = [finding for finding in of_risk if finding.action is not Action.TELL]
    return Reclaimable(risk, _amount(inventory, of_risk), _amount(inventory, done))


def _layers(inventory: Inventory, findings: Findings) -> tuple[LayerReport, ...]:
    files, claimed = is_file(inventory), np.zeros(inventory.table.num_rows, dtype=bool)
    for finding in findings:
        claimed[finding.rows] = True
    by_layer = _Grouped(inventory.layer, len(inventory.layers))
    counts, could_go = by_layer.sums(files), by_layer.sums(files & claimed)
    return tuple(
        LayerReport(
            index=index,
            digest=layer.descriptor.digest,
            diff_id=layer.diff_id,
            compression=layer.compression.value,
            command=part.command,
            total=Amount(counts[index], part.disk_bytes, part.compressed_bytes),
            reclaimable=Amount(could_go[index], part.claimed_disk, part.claimed_compressed),
        )
        for index, (layer, part) in enumerate(zip(inventory.image.layers, account(inventory, findings), strict=True))
    )


def _owners(inventory: Inventory) -> tuple[OwnerReport, ...]:
    sizes, live = inventory.column("size"), inventory.state == State.LIVE
    by_owner = _Grouped(inventory.owner, len(inventory.owners))
    files = by_owner.sums(is_file(inventory))
    seen, shadowed = by_owner.sums(np.where(live, sizes, 0)), by_owner.sums(np.where(live, 0, sizes))
    compressed = by_owner.sums(inventory.column("compressed"))
    found = [
        OwnerReport(owner.system.value, owner.name, owner.version, *values)
        for owner, *values in zip(inventory.owners, files, seen, shadowed, compressed, strict=True)
        if any(values)
    ]
    return tuple(sorted(found, key=lambda o: (-o.live_bytes - o.shadowed_bytes, o.system, o.name, o.version)))


def _by_size(finding: FindingReport) -> tuple[int, str, str]:
    return -finding.total.disk_bytes, finding.rule, finding.title


@dataclass(frozen=True)
class _Grouped:
    """Rows by group: sums are exact in 64 bits, where bincount's weights are floats."""

    group: NDArray[np.integer]
    groups: int

    def sums(self, values: NDArray[np.generic]) -> list[int]:
        total = np.zeros(self.groups, dtype=np.int64)
        np.add.at(total, self.group, values.astype(np.int64))
        return [int(value) for value in total]
