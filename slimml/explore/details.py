"""What is known of the thing under the cursor, in words: an image, a layer, an owner, a finding, an entry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from slimml.bloat.finding import Action, Risk
from slimml.bloat.packages import needed_by
from slimml.bloat.protected import protection
from slimml.explore.colours import PLAIN, QUIET, RISK, STRONG
from slimml.explore.words import kind_of, link_of, mode_of
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.report.sizes import counted, share, size
from slimml.report.untrusted import visible
from slimml.slim.marked import listed

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.explore.subject import Found, OwnerSize, Subject
    from slimml.explore.tree import Tree

Fact = tuple[str, str]
"""A name and what is said; both harmless to a terminal"""

_DOES = {
    Action.DROP: "slimml optimize removes it",
    Action.LINK: "slimml optimize makes hard links of identical files",
    Action.PACKAGE: "slimml optimize removes whole packages",
    Action.SHRINK: "slimml optimize makes the files smaller; they stay",
    Action.TELL: "slimml only tells of it; a person has to change the build",
}


def written(facts: Iterable[Fact]) -> Text:
    """The facts, a line each; what has no name stands by itself."""
    text = Text(overflow="fold", no_wrap=False)
    for name, said in facts:
        if said:
            text.append(f"{name} " if name else "", QUIET)
            text.append(f"{said}\n", PLAIN if name else STRONG)
    text.rstrip()
    return text


def image_facts(subject: Subject, found: Found | None) -> Iterator[Fact]:
    """The whole image."""
    inventory = subject.inventory
    live = int(inventory.column("size")[inventory.state == State.LIVE].sum())
    estimated = any(layer.estimated for layer in inventory.layers)
    yield "image", visible(str(inventory.image.reference))
    yield "platform", visible(str(inventory.image.config.platform))
    yield "on disk", f"{size(inventory.disk_bytes)}, {size(inventory.disk_bytes - live)} of it hidden by upper layers"
    yield "compressed", f"{size(inventory.compressed_bytes)}{' (estimated)' if estimated else ''}"
    if found is None:
        yield "could go", "being looked for…"
        return
    for risk in Risk:
        yield f"could go, {risk.value}", size(sum(it.disk_bytes for it in found.findings if it.risk is risk))
    yield "efficiency", f"{100 * found.efficiency.score:.1f} % as dive counts"
    yield "wasted", f"{size(found.efficiency.wasted_bytes)} in paths that occur more than once"
    yield "digest", inventory.image.manifest.digest


def layer_facts(subject: Subject, layer: int, found: Found | None) -> Iterator[Fact]:
    """A layer."""
    described = subject.inventory.image.layers[layer]
    disk, blob = subject.layer_bytes(layer)
    yield "made by", visible(subject.commands[layer]) or "(not recorded)"
    yield "on disk", size(disk)
    estimated = subject.inventory.layers[layer].estimated
    yield "compressed", f"{size(blob)} ({'estimated' if estimated else described.compression.value})"
    if found is not None:
        yield "could go", f"{size(found.could_go[layer])} ({share(found.could_go[layer], disk)})"
        for finding in found.findings:
            part = sum(one.disk_bytes for one in finding.shares if one.layer == layer)
            if part:
                yield f"  {size(part):>9}", f"{finding.rule} ({finding.risk.value})"
    yield "digest", described.descriptor.digest
    yield "diff ID", described.diff_id


def owner_facts(subject: Subject, held: OwnerSize) -> Iterator[Fact]:
    """An owner, with what it requires and what requires it."""
    inventory = subject.inventory
    owner = inventory.owners[held.owner]
    needing = needed_by(inventory, held.owner)
    yield "owner", visible(f"{owner.label} {owner.version}")
    yield "what", visible(owner.summary)
    yield "on disk", f"{size(held.disk)} in {counted(held.files, 'file')}"
    yield "hidden", f"{size(held.hidden)} of it by upper layers" if held.hidden else ""
    yield "compressed", size(held.compressed)
    yield "essential", f"{owner.system.value} marks it as essential" if owner.essential else ""
    yield "came", "as a dependency only" if owner.automatic else ""
    yield "needed by", visible(listed(inventory, needing)) if needing else ""
    yield "requires", visible(", ".join(owner.requires))
    yield "recorded in", visible(owner.place)


def finding_facts(finding: Finding) -> Iterator[Fact]:
    """A finding with its reason, its fix, and the layers it is in."""
    yield "finding", visible(f"{finding.title} [{finding.rule}]")
    yield "risk", finding.risk.value
    yield "on disk", size(finding.disk_bytes)
    yield "compressed", size(finding.compressed_bytes)
    yield "why", visible(finding.reason)
    yield "fix", visible(finding.fix)
    yield "so", _DOES[finding.action]
    for part in finding.shares:
        yield f"layer {part.layer}", f"{size(part.disk_bytes)} {visible(part.command)}"


def row_facts(subject: Subject, row: int, found: Found | None) -> Iterator[Fact]:
    """An entry of a layer."""
    inventory, table = subject.inventory, subject.columns
    kind = Kind(int(table["kind"][row]))
    yield "", "/" + visible(inventory.paths[row])
    yield "links to", link_of(inventory, row)
    yield "bytes", f"{int(table['size'][row]):,} on disk, {int(table['compressed'][row]):,} compressed"
    yield "owner", _owner(subject, row)
    yield "layer", f"{inventory.layer[row]}{_hidden(subject, row)}"
    if found is not None and found.of_row[row] >= 0:
        finding = found.findings[int(found.of_row[row])]
        yield "could go", f"{visible(finding.title)} [{finding.rule}], {finding.risk.value}"
    kinds = f"{kind_of(inventory, row, kind)}, {mode_of(kind, int(table['mode'][row]))}"
    yield "kind", f"{kinds}, user {table['uid'][row]}:{table['gid'][row]}"
    yield "protected", ", ".join(reason for reason, mask in protection(inventory).items() if mask[row])
    yield "changed", _time(int(table["mtime"][row]))


def directory_facts(subject: Subject, tree: Tree, directory: int, found: Found | None) -> Iterator[Fact]:
    """A directory as the tree shows it."""
    yield "", "/" + visible(subject.places.directories[directory])
    yield "holds", f"{size(int(tree.total[directory]))} in {counted(int(tree.files[directory]), 'entry', 'entries')}"
    rows = tree.rows_of(~directory)
    owners, counts = np.unique(subject.inventory.owner[rows], return_counts=True)
    first = [int(owners[position]) for position in np.argsort(-counts, kind="stable")[:3]]
    more = f" and {len(owners) - 3} more" if len(owners) > 3 else ""
    yield "owners", ", ".join(visible(subject.inventory.owners[owner].label) for owner in first) + more
    if found is not None:
        claimed = rows[found.of_row[rows] >= 0]
        yield "could go", size(int(subject.columns["size"][claimed].sum())) if claimed.size else ""
    entry = int(tree.entry[directory])
    if entry < 0:
        yield "kind", "directory that no entry tells of"
        return
    table = subject.columns
    mode = mode_of(Kind.DIRECTORY, int(table["mode"][entry]))
    user = f"{table['uid'][entry]}:{table['gid'][entry]}"
    yield "kind", f"directory, {mode}, user {user}, entry of layer {subject.inventory.layer[entry]}"


def _owner(subject: Subject, row: int) -> str:
    owner = subject.inventory.owners[int(subject.inventory.owner[row])]
    return visible(f"{owner.label} {owner.version}".strip())


def _hidden(subject: Subject, row: int) -> str:
    by = int(subject.inventory.by[row])
    return f", hidden by layer {by}" if by >= 0 else ""


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} seconds after 1970"


def headline(subject: Subject, found: Found | None, width: int) -> Text:
    """The image in one line of `width` cells."""
    inventory = subject.inventory
    text = Text(no_wrap=True, overflow="ellipsis")
    name = visible(str(inventory.image.reference))
    room = max(24, width - 52)
    text.append(f" {name if cell_len(name) <= room else set_cell_size(name, room - 1) + '…'}", "bold")
    text.append(f"  {size(inventory.disk_bytes)}, {size(inventory.compressed_bytes)} compressed")
    if found is not None:
        text.append(f", could go {size(sum(it.disk_bytes for it in found.findings))}")
        for risk in Risk:
            total = sum(it.disk_bytes for it in found.findings if it.risk is risk)
            text.append(f"  {risk.value} {size(total)}", RISK[risk])
    return text
