"""What marks come to, in words: the status line, the list of marks, the screen `what if`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from slimml.explore.colours import MARK, NUMBER, QUIET, STRONG
from slimml.explore.saving import command
from slimml.report.sizes import counted, share, size
from slimml.report.untrusted import visible
from slimml.slim.marked import rows_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slimml.explore.subject import Found, Subject
    from slimml.explore.what_if import Outcome
    from slimml.inventory.table import Inventory
    from slimml.slim.marked import Marks

_LINKS = 5


@dataclass(frozen=True)
class Mark:
    """One mark. `sort` is `path`, `package`, `finding` or `keep`, `key` what `Marks` has; `disk_bytes` it alone."""

    sort: str
    key: str | int
    name: str
    disk_bytes: int


def listed_marks(subject: Subject, found: Found | None, marks: Marks) -> list[Mark]:
    """The marks one by one, those that stay last."""
    inventory, weight = subject.inventory, subject.columns["size"]
    owners = {held.owner: held.live for held in subject.owners}
    rules: dict[str, int] = {}
    for finding in found.findings if found else ():
        rules[finding.rule] = rules.get(finding.rule, 0) + finding.disk_bytes
    listed = [Mark("finding", rule, rule, rules.get(rule, 0)) for rule in marks.rules]
    listed += [
        Mark("package", owner, visible(inventory.owners[owner].label), owners.get(owner, 0)) for owner in marks.packages
    ]
    listed += [
        Mark("path", path, "/" + visible(path), int(weight[rows_at(inventory, [path])].sum())) for path in marks.paths
    ]
    listed.sort(key=lambda mark: (-mark.disk_bytes, mark.name))
    kept = [
        Mark("keep", path, "/" + visible(path), int(weight[rows_at(inventory, [path])].sum())) for path in marks.keep
    ]
    return [*listed, *sorted(kept, key=lambda mark: (-mark.disk_bytes, mark.name))]


def status(inventory: Inventory, marks: Marks, outcome: Outcome | None) -> Text:
    """The marks in one line."""
    text = Text(no_wrap=True, overflow="ellipsis")
    count = len(marks.paths) + len(marks.packages) + len(marks.rules)
    text.append(f" {counted(count, 'mark')} ", MARK)
    if outcome is None:
        return text
    about = "" if outcome.exact else "about "
    text.append(f"{about}-{size(outcome.disk_bytes)} ", STRONG)
    text.append(f"of {size(inventory.disk_bytes)} on disk, ")
    text.append(f"{about}-{size(outcome.compressed_bytes)} ", STRONG)
    text.append(f"of {size(inventory.compressed_bytes)} compressed")
    if outcome.refused:
        text.append(f", {len(outcome.refused)} refused", MARK)
    text.append("  w: what if, e: export", QUIET)
    return text


def outcome_text(inventory: Inventory, marks: Marks, outcome: Outcome | None) -> Text:
    """All that is known of the outcome."""
    text = Text(overflow="fold")
    if outcome is None:
        text.append("being worked out…", QUIET)
        return text
    text.append("Would go  ", STRONG)
    _amount(text, outcome.disk_bytes, inventory.disk_bytes, "on disk")
    text.append(", ")
    _amount(text, outcome.compressed_bytes, inventory.compressed_bytes, "compressed")
    text.append("" if outcome.exact else "  (about; the plan is being made…)", QUIET)
    if outcome.smaller:
        text.append(f"\n  {size(outcome.smaller)} of it from files that stay and become smaller")
    _section(text, "Refused", [f"{one.what}: {one.reason} ({size(one.disk_bytes)})" for one in outcome.refused])
    _section(text, "Depends on it", _depending(outcome))
    _section(text, "Notes", outcome.notes)
    text.append("\n\nAs a command\n", STRONG)
    text.append(f"  {command(inventory, marks)}\n", NUMBER)
    text.append(
        "  e writes the file that it needs. Nothing was run: slimml optimize asks both images its probes.", QUIET
    )
    return text


def _depending(outcome: Outcome) -> list[str]:
    said = list(outcome.losing)
    if outcome.dangling:
        first = ", ".join(f"/{path}" for path in outcome.dangling[:_LINKS])
        more = f" and {len(outcome.dangling) - _LINKS:,} more" if len(outcome.dangling) > _LINKS else ""
        said.append(f"{counted(len(outcome.dangling), 'link')} would lead nowhere: {first}{more}")
    if outcome.held:
        said.append(f"{counted(outcome.held, 'marked entry', 'marked entries')} stay with what needs them")
    return said


def _amount(text: Text, part: int, whole: int, what: str) -> None:
    text.append(size(part), NUMBER)
    text.append(f" of {size(whole)} {what} ({share(part, whole)})")


def _section(text: Text, title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if lines:
        text.append(f"\n\n{title}", STRONG)
        for line in lines:
            text.append(f"\n  {visible(line)}")
