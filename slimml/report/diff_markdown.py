"""The difference of two images as Markdown, for a pull request: totals, then folds with what grew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.gates.difference import ARCHIVES, HIDDEN, LayerFate, compressed_growth, disk_growth
from slimml.report.changes import growth, signed, signed_size
from slimml.report.diff import (
    changed_owners,
    layer_in_words,
    owner_label,
    part_label,
    path_in_words,
    shortened,
    version_in_words,
)
from slimml.report.markdown import code, fold, plain, table, unbroken
from slimml.report.sizes import counted, number, size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from slimml.gates.difference import Difference, OwnerChange, PathChange

_COMMAND, _VALUE = 100, 120
_FIRST = 5


def diff_markdown(difference: Difference, top: int) -> str:
    """A document of its own; `top` bounds the rows of a list."""
    before, after = difference.before, difference.after
    head = f"## slimml diff: {growth(before.total.compressed_bytes, after.total.compressed_bytes)} compressed\n"
    names = f"{code(before.reference)} → {code(after.reference)}\n"
    rows = [
        ("On disk", *_sizes(before.total.disk_bytes, after.total.disk_bytes)),
        ("Compressed", *_sizes(before.total.compressed_bytes, after.total.compressed_bytes)),
        ("Layers", number(before.layers), number(after.layers), signed(after.layers - before.layers)),
        ("Files", *_counts(before.total.files, after.total.files)),
    ]
    totals = table(("", ">Before", ">After", ">Change"), rows)
    return "\n".join([head, names, totals, what_grew(difference), *details(difference, top)])


def what_grew(difference: Difference) -> str:
    """One line that names the few owners that changed most; empty where none did."""
    changed = [one for one in changed_owners(difference) if disk_growth(one)]
    if not changed:
        return "No package grew or shrank.\n"
    named = [_in_short(one) for one in changed[:_FIRST]]
    more = f", and {len(changed) - _FIRST} more" if len(changed) > _FIRST else ""
    return f"What changed most, on disk: {', '.join(named)}{more}.\n"


def details(difference: Difference, top: int) -> Iterator[str]:
    """Folds: layers, packages, files, paths, configuration, what was not checked."""
    yield fold(_layers_in_short(difference), _layers(difference))
    owners = changed_owners(difference)
    if owners:
        yield fold(f"Packages: {counted(len(owners), 'change')}", _owners(owners, top))
    count = len(difference.paths) + difference.left_out
    yield fold(f"Files: {counted(count, 'change')}", _files(difference, difference.paths[:top], count))
    if difference.configuration:
        rows = [(code(one.key), _value(one.before), _value(one.after)) for one in difference.configuration]
        yield fold(f"Configuration: {counted(len(rows), 'change')}", table(("Setting", "Before", "After"), rows))
    yield fold("Not checked", "".join(f"- {plain(unknown)}\n" for unknown in difference.unknowns))


def _sizes(before: int, after: int) -> tuple[str, str, str]:
    return size(before), size(after), growth(before, after)


def _counts(before: int, after: int) -> tuple[str, str, str]:
    return number(before), number(after), signed(after - before)


def _in_short(one: OwnerChange) -> str:
    step = f"**{unbroken(signed_size(disk_growth(one)))}**"
    return " ".join(filter(None, (_owner(one), plain(version_in_words(one)), step)))


def _owner(one: OwnerChange) -> str:
    """An owner by name; what is no owner is said in words."""
    return plain(owner_label(one)) if one.system in (HIDDEN, ARCHIVES) else code(owner_label(one))


def _layers_in_short(difference: Difference) -> str:
    counts = [(sum(one.fate is fate for one in difference.layers), fate.value) for fate in LayerFate]
    return f"Layers: {', '.join(f'{count} {fate}' for count, fate in counts if count) or 'none'}"


def _layers(difference: Difference) -> str:
    rows = []
    for one in difference.layers:
        side = one.before if one.fate is LayerFate.REMOVED else one.after
        command = code(shortened(visible(one.command), _COMMAND)) if one.command else "not recorded"
        sizes = size(side.disk_bytes), signed_size(disk_growth(one)), signed_size(compressed_growth(one))
        rows.append((layer_in_words(one), one.fate.value, *sizes, command))
    return table(("Layer", "", ">On disk", ">Change", ">Change, compressed", "Made by"), rows)


def _owners(owners: list[OwnerChange], top: int) -> str:
    rows = [
        (
            _owner(one),
            plain(version_in_words(one)),
            size(one.before.disk_bytes),
            size(one.after.disk_bytes),
            signed_size(disk_growth(one)),
            signed_size(compressed_growth(one)),
        )
        for one in owners[:top]
    ]
    shown = table(("Package", "Version", ">Before", ">After", ">Change", ">Change, compressed"), rows)
    return shown + _more(len(owners) - len(rows))


def _files(difference: Difference, paths: tuple[PathChange, ...], count: int) -> str:
    parts = [
        (
            part_label(part),
            number(part.before.files),
            number(part.after.files),
            signed_size(disk_growth(part)),
            signed_size(compressed_growth(part)),
        )
        for part in difference.parts
    ]
    summary = table(("", ">Files before", ">After", ">On disk", ">Compressed"), parts)
    if not paths:
        return summary
    rows = [(signed_size(disk_growth(one)), path_in_words(one), code(one.path)) for one in paths]
    return f"{summary}\n{table(('>On disk', '', 'Path'), rows)}{_more(count - len(rows))}"


def _more(count: int) -> str:
    return f"\nand {number(count)} more\n" if count > 0 else ""


def _value(text: str | None) -> str:
    return "–" if text is None else code(shortened(visible(text), _VALUE))
