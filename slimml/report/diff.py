"""What `diff` found: totals, then what grew or shrank by layer, by owner and by path, and the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from slimml.gates.difference import ARCHIVES, HIDDEN, LayerFate, PathFate, compressed_growth, disk_growth
from slimml.report.changes import growth, signed, signed_size
from slimml.report.sizes import counted, number, size
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from slimml.gates.difference import Difference, LayerChange, OwnerChange, Part, PathChange

_NAMES = {HIDDEN: "hidden by upper layers", ARCHIVES: "ends of the layers' archives"}
_PARTS = {
    PathFate.ADDED: "added",
    PathFate.REMOVED: "removed",
    PathFate.CHANGED: "changed",
    PathFate.UNKNOWN: "not compared",
    PathFate.SAME: "unchanged",
}
_STYLES = {LayerFate.ADDED: "red", LayerFate.REMOVED: "green", LayerFate.REBUILT: "yellow", LayerFate.SAME: "dim"}
_TEXT = 60


def owner_label(change: OwnerChange) -> str:
    """`system:name`, or what the row is that no owner has."""
    if change.system in _NAMES:
        return _NAMES[change.system]
    return change.name if change.name == change.system else f"{change.system}:{change.name}"


def version_in_words(change: OwnerChange) -> str:
    """What became of the versions: `1.0 → 2.0`, `2.0 (new)`, `1.0 (gone)`."""
    if change.system in _NAMES:
        return ""
    before, after = ", ".join(change.before_versions), ", ".join(change.after_versions)
    if not change.before.files and change.after.files:
        return f"{after} (new)".lstrip()
    if change.before.files and not change.after.files:
        return f"{before} (gone)".lstrip()
    return before if before == after else f"{before or '?'} → {after or '?'}"


def part_label(part: Part) -> str:
    """What a part is called."""
    return _NAMES.get(part.name) or _PARTS[PathFate(part.name)]


def path_in_words(change: PathChange) -> str:
    """What became of a path: `added`, `changed: content, mode`."""
    what = ", ".join(one.value for one in change.what)
    fate = _PARTS[change.fate]
    return f"{fate}: {what}" if what else fate


def layer_in_words(change: LayerChange) -> str:
    """Where a layer is: `3`, `3 → 4`, `→ 4`, `3 →`."""
    old, new = ("" if one is None else str(one) for one in (change.before_index, change.after_index))
    return new if old == new else f"{old} → {new}".strip()


def changed_owners(difference: Difference) -> list[OwnerChange]:
    """Owners that changed in bytes on disk or in version, and those rows of no owner that did."""
    return [one for one in difference.owners if disk_growth(one) or _came_or_went(one)]


def _came_or_went(one: OwnerChange) -> bool:
    return one.before_versions != one.after_versions or bool(one.before.files) != bool(one.after.files)


def render_diff(difference: Difference, console: Console, top: int) -> None:
    """Print it; `top` bounds owners and paths."""
    _totals(difference, console)
    _layers(difference.layers, console)
    _owners(changed_owners(difference), console, top)
    _paths(difference, console, top)
    _settings(difference, console)
    heading(console, "Not checked")
    for unknown in difference.unknowns:
        console.print(indented(visible(unknown)))


def _totals(difference: Difference, console: Console) -> None:
    before, after = difference.before, difference.after
    console.print(Text(f"from {visible(before.reference)}", style="dim"), soft_wrap=True)
    console.print(Text(f"to   {visible(after.reference)}", style="bold"), soft_wrap=True)
    console.print()
    table = plain_table("", ">before", ">after", ">change")
    table.add_row(
        "on disk", size(before.total.disk_bytes), size(after.total.disk_bytes),
        Text(growth(before.total.disk_bytes, after.total.disk_bytes), style="bold"),
    )  # fmt: skip
    table.add_row(
        "compressed", size(before.total.compressed_bytes), size(after.total.compressed_bytes),
        Text(growth(before.total.compressed_bytes, after.total.compressed_bytes), style="bold"),
    )  # fmt: skip
    table.add_row("layers", number(before.layers), number(after.layers), signed(after.layers - before.layers))
    files = before.total.files, after.total.files
    table.add_row("files", number(files[0]), number(files[1]), signed(files[1] - files[0]))
    console.print(indented(table))


def _layers(layers: Sequence[LayerChange], console: Console) -> None:
    heading(console, "Layers")
    table = plain_table("", "", ">disk", ">change", ">compressed", "command")
    for one in layers:
        side = one.before if one.fate is LayerFate.REMOVED else one.after
        table.add_row(
            layer_in_words(one),
            Text(one.fate.value, style=_STYLES[one.fate]),
            size(side.disk_bytes),
            signed_size(disk_growth(one)) if one.fate is not LayerFate.SAME else "",
            signed_size(compressed_growth(one)) if compressed_growth(one) else "",
            shortened(visible(one.command) or "(not recorded)", max(20, console.width - 50)),
        )
    console.print(indented(table))


def _owners(owners: Sequence[OwnerChange], console: Console, top: int) -> None:
    heading(console, f"Packages{_shown(len(owners), top)}")
    if not owners:
        console.print("  none grew, shrank or changed its version")
        return
    table = plain_table(">disk", ">compressed", ">files", "owner", "version")
    for one in owners[:top]:
        files = one.after.files - one.before.files
        table.add_row(
            signed_size(disk_growth(one)),
            signed_size(compressed_growth(one)),
            signed(files) if files else "",
            visible(owner_label(one)),
            visible(version_in_words(one)),
        )
    console.print(indented(table))


def _paths(difference: Difference, console: Console, top: int) -> None:
    heading(console, "Files")
    table = plain_table("", ">before", ">after", ">disk", ">compressed")
    for part in difference.parts:
        table.add_row(
            part_label(part),
            number(part.before.files),
            number(part.after.files),
            signed_size(disk_growth(part)),
            signed_size(compressed_growth(part)),
        )
    console.print(indented(table))
    count = len(difference.paths) + difference.left_out
    if not count:
        return
    heading(console, f"Paths{_shown(count, top)}")
    listed = plain_table(">disk", "", "path")
    for one in difference.paths[:top]:
        listed.add_row(signed_size(disk_growth(one)), path_in_words(one), visible(one.path))
    console.print(indented(listed))


def _settings(difference: Difference, console: Console) -> None:
    if not difference.configuration:
        return
    heading(console, "Configuration")
    table = plain_table("", "before", "after")
    for one in difference.configuration:
        cells = (shortened(visible(text), _TEXT) if text is not None else "–" for text in (one.before, one.after))
        table.add_row(visible(one.key), *cells)
    console.print(indented(table))


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` characters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _shown(count: int, top: int) -> str:
    return f" (the {top} that changed most of {counted(count, 'change')})" if count > top else ""
