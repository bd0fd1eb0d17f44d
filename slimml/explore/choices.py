"""The list on the left: layers, owners or findings; the one under the cursor is what the tree shows."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from slimml.bloat.finding import Action
from slimml.explore.colours import MARK, NUMBER, PLAIN, QUIET, RISK, SIGN
from slimml.explore.line_list import LineList, Piece
from slimml.explore.scope import Sign
from slimml.report.sizes import size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.explore.subject import Found, Subject
    from slimml.slim.marked import Marks


class Kind(StrEnum):
    """What the list lists."""

    LAYERS = "layers"
    OWNERS = "owners"
    FINDINGS = "findings"


_TITLES = {
    Kind.LAYERS: f"  {'#':>3} {'size':>8} {'could go':>8} made by",
    Kind.OWNERS: f"  {'size':>8} owner",
    Kind.FINDINGS: f"  {'size':>8} risk   what could go",
}

_WIDE = 44
"""cells from which there is room for what upper layers hide of an owner"""


class Choices(LineList):
    """`subject` has the layers and owners, `found` the findings, once they are known."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "app.switch_pane", "Switch", key_display="tab"),
        Binding("right,l", "app.switch_pane", show=False),
        Binding("ctrl+a,a", "app.compare(True)", "All"),
        Binding("ctrl+l", "app.compare(False)", "Layer"),
        Binding("x,delete", "app.mark", "Mark"),
        Binding("b", "app.largest", show=False),
    ]

    def __init__(self, subject: Subject) -> None:
        super().__init__("choices")
        self.subject = subject
        self.found: Found | None = None
        self.kind = Kind.LAYERS
        self.marks: Marks | None = None
        self.refused: frozenset[str] = frozenset()
        self._cursors = dict.fromkeys(Kind, 0)

    @property
    def titles(self) -> str:
        """The line above the list."""
        hidden = self.kind is Kind.OWNERS and self._wide
        return f"  {'size':>8} {'hidden':>8} owner" if hidden else _TITLES[self.kind]

    @property
    def _wide(self) -> bool:
        return self.scrollable_content_region.width >= _WIDE

    @property
    def chosen_layer(self) -> int | None:
        """The layer under the cursor; None for the whole image."""
        return self.cursor - 1 if self.kind is Kind.LAYERS and self.cursor else None

    @property
    def chosen_owner(self) -> int | None:
        """The owner (a position) under the cursor."""
        return self.subject.owners[self.cursor].owner if self.kind is Kind.OWNERS and self.count else None

    @property
    def chosen_finding(self) -> Finding | None:
        """The finding under the cursor."""
        if self.kind is not Kind.FINDINGS or self.found is None or not self.count:
            return None
        return self.found.findings[self.cursor]

    def list_kind(self, kind: Kind, cursor: int | None = None) -> None:
        """List something else, at the line where the cursor stood when it was listed last."""
        self._cursors[self.kind] = self.cursor
        self.kind = kind
        lengths = {
            Kind.LAYERS: 1 + len(self.subject.inventory.layers),
            Kind.OWNERS: len(self.subject.owners),
            Kind.FINDINGS: len(self.found.findings) if self.found else 0,
        }
        self.show(lengths[kind], self._cursors[kind] if cursor is None else cursor)

    def know(self, found: Found) -> None:
        """The findings are known now."""
        self.found = found
        if self.kind is Kind.FINDINGS:
            self.list_kind(self.kind)
        self.refresh()

    def pieces(self, line: int, width: int) -> Iterable[Piece]:
        """A layer, an owner or a finding: its bytes first."""
        if self.kind is Kind.LAYERS:
            return self._layer_pieces(line - 1) if line else self._image_pieces()
        return self._owner_pieces(line) if self.kind is Kind.OWNERS else self._finding_pieces(line)

    def _image_pieces(self) -> Iterable[Piece]:
        waste = size(sum(self.found.could_go)) if self.found else "…"
        yield f"  all {size(self.subject.inventory.disk_bytes):>8} ", NUMBER
        yield f"{waste:>8} ", SIGN[Sign.MODIFIED]
        yield "the whole image", PLAIN

    def _layer_pieces(self, layer: int) -> Iterable[Piece]:
        disk, _ = self.subject.layer_bytes(layer)
        waste = size(self.found.could_go[layer]) if self.found else "…"
        yield f"  {layer:>3} {size(disk):>8} ", NUMBER
        yield f"{waste if waste != '0 B' else '':>8} ", SIGN[Sign.MODIFIED]
        yield visible(self.subject.commands[layer]) or "(not recorded)", PLAIN

    def _owner_pieces(self, line: int) -> Iterable[Piece]:
        share = self.subject.owners[line]
        owner = self.subject.inventory.owners[share.owner]
        marked = self.marks is not None and share.owner in self.marks.packages
        yield ("! " if owner.label in self.refused else "x ") if marked else "  ", MARK
        yield f"{size(share.disk):>8} ", NUMBER
        if self._wide:
            yield f"{size(share.hidden) if share.hidden else '':>8} ", SIGN[Sign.REMOVED]
        yield visible(owner.label), PLAIN
        yield f" {visible(owner.version)}", QUIET

    def _finding_pieces(self, line: int) -> Iterable[Piece]:
        if self.found is None:
            return
        finding = self.found.findings[line]
        marked = self.marks is not None and finding.rule in self.marks.rules
        yield ("x " if marked else "  "), MARK
        yield f"{size(finding.disk_bytes):>8} ", NUMBER
        yield f"{finding.risk.value:<6} ", RISK[finding.risk]
        yield visible(finding.title), PLAIN
        if finding.action is Action.TELL:
            yield " (by hand)", QUIET
