"""The tree on the screen: a line per entry of an open directory, with signs, bytes, mode, user and what it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from textual import events
from textual.binding import Binding, BindingType

from slimml.explore.colours import MARK, NUMBER, SIGN, STRONG
from slimml.explore.entry_line import (
    Columns,
    attribute_pieces,
    columns_at,
    directory_pieces,
    indent_at,
    row_pieces,
)
from slimml.explore.line_list import LineList, Piece
from slimml.explore.scope import SIGNS, Sign
from slimml.explore.tree import Lines, Order, Tree, sums_beneath
from slimml.report.sizes import size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.explore.subject import Subject

    Mask = NDArray[np.bool_]

_UNROLLED = 100
"""so few files are shown at once, with all their directories open"""
_LARGEST = 1000


class TreeView(LineList):
    """A scope's tree. Directories that a person opened stay open from scope to scope."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "app.switch_pane", "Switch", key_display="tab"),
        Binding("space", "toggle_directory", show=False),
        Binding("right,l", "open", show=False),
        Binding("left,h", "close", show=False),
        Binding("ctrl+@,ctrl+space", "toggle_all", show=False),
        Binding("ctrl+a,a", "app.toggle_sign('added')", show=False),
        Binding("ctrl+r,r", "app.toggle_sign('removed')", show=False),
        Binding("ctrl+m,m", "app.toggle_sign('modified')", show=False),
        Binding("ctrl+u,n", "app.toggle_sign('same')", show=False),
        Binding("ctrl+b", "toggle_attributes", show=False),
        Binding("b", "largest", "Biggest"),
        Binding("x,delete", "app.mark", "Mark"),
        Binding("o", "app.owner_of", show=False),
        Binding("f", "app.finding_of", show=False),
    ]

    def __init__(self, subject: Subject) -> None:
        super().__init__("tree")
        self.subject = subject
        self.content: Tree | None = None
        self.lines = Lines(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
        self.opened = np.zeros(len(subject.places.directories), dtype=bool)
        self.order = Order.SIZE
        self.attributes = True
        self._before_filter: Mask | None = None
        self._going: Mask | None = None
        self._going_beneath = self._shown_beneath = np.zeros(0, dtype=np.int64)
        self._largest: list[int] = []

    @property
    def node(self) -> int | None:
        """The row under the cursor, `~d` for directory d, None where nothing is shown."""
        return int(self.lines.node[self.cursor]) if self.count else None

    @property
    def columns(self) -> Columns:
        """The columns that have room."""
        return columns_at(self.scrollable_content_region.width if self.attributes else 0)

    def show_tree(self, tree: Tree, *, anew: bool, filtered: bool) -> None:
        """Show another tree; the cursor stays at its path. What is filtered to a few files is shown open, and `anew`
        says that a person sees this for the first time: directories with nothing beside them are opened.
        """
        node = self.node
        self.content = tree
        self._largest = []
        self._open_for_filter(tree, filtered)
        if anew:
            self._open_only_children(0)
        self._sum_going()
        self._lay_out(node)

    def show_going(self, going: Mask | None) -> None:
        """Mark the rows that would go."""
        self._going = going
        self._sum_going()
        self.refresh()

    def sort_by(self, order: Order) -> None:
        """Sort entries of each directory."""
        self.order = order
        self._lay_out(self.node)

    def reveal(self, node: int) -> None:
        """Open what lies around an entry and put the cursor on it."""
        places = self.subject.places
        around = int(places.directory[node]) if node >= 0 else int(places.parent[~node])
        while around >= 0:
            self.opened[around] = True
            around = int(places.parent[around])
        self._lay_out(node)

    def is_going(self, node: int) -> bool:
        """Whether all that a line stands for would go."""
        return self._going_sign(node) == "x"

    def action_toggle_directory(self) -> None:
        """Open or close the directory under the cursor."""
        if self.node is not None and self.node < 0:
            self._set_open(~self.node, not self.opened[~self.node])

    def action_open(self) -> None:
        """Open the directory under the cursor; of an open one go inside."""
        if self.node is None or self.node >= 0:
            return
        if self.opened[~self.node]:
            self.action_move(1)
        else:
            self._set_open(~self.node, True)

    def action_close(self) -> None:
        """Close the directory under the cursor, or go to the one around it."""
        if self.node is None:
            return
        places = self.subject.places
        if self.node < 0 and self.opened[~self.node]:
            self._set_open(~self.node, False)
            return
        around = int(places.directory[self.node]) if self.node >= 0 else int(places.parent[~self.node])
        if around > 0:
            self.move_to(int(np.flatnonzero(self.lines.node == ~around)[0]))

    def action_toggle_all(self) -> None:
        """Close all directories; where all are closed, open all."""
        self.opened[:] = not self.opened[1:].any()
        self._lay_out(self.node)

    def action_toggle_attributes(self) -> None:
        """Show or hide mode, user, kind and owner."""
        self.attributes = not self.attributes
        self.refresh()
        self.post_message(self.Moved(self))

    def action_largest(self) -> None:
        """Go to the largest file; from there to the next one."""
        if self.content is None:
            return
        self._largest = self._largest or self.content.largest(_LARGEST)
        if self._largest:
            here = self._largest.index(self.node) + 1 if self.node in self._largest else 0
            self.reveal(self._largest[here % len(self._largest)])

    def action_choose(self) -> None:
        """Open or close a directory; ask for what is told of a file."""
        if self.node is not None and self.node < 0:
            self.action_toggle_directory()
        else:
            super().action_choose()

    def on_click(self, event: events.Click) -> None:
        """A click on an arrow opens or closes; the list does what it does on every click beside that."""
        line = event.y + self.scroll_offset.y
        if event.chain > 1 or line >= self.count or self.lines.node[line] >= 0:
            return
        arrow = len(self.columns.titles) - len("name") + self._indent(line)
        if arrow <= event.x < arrow + 2:
            self.move_to(line)
            self.action_toggle_directory()

    def pieces(self, line: int, width: int) -> Iterable[Piece]:
        """The mark, the sign, the bytes, the columns that have room, the name."""
        if self.content is None:
            return
        node, tree = int(self.lines.node[line]), self.content
        sign = Sign(int(tree.sign[~node] if node < 0 else tree.scope.sign[node]))
        yield self._going_sign(node), MARK
        yield SIGNS[sign] + " ", SIGN[sign]
        yield f"{size(int(tree.total[~node] if node < 0 else tree.weight[node])):>8} ", NUMBER
        entry = int(tree.entry[~node]) if node < 0 else node
        yield from attribute_pieces(self.subject, entry, self.columns)
        yield " " * self._indent(line), STRONG
        if node < 0:
            yield from directory_pieces(self.subject, ~node, sign, opened=bool(self.opened[~node]))
        else:
            yield from row_pieces(self.subject, node, sign)

    def _indent(self, line: int) -> int:
        return int(self.lines.depth[line]) * indent_at(self.scrollable_content_region.width)

    def _going_sign(self, node: int) -> str:
        """`x` where all of a line would go, `·` where some would."""
        if self._going is None:
            return " "
        if node >= 0:
            return "x" if self._going[node] else " "
        gone, shown = int(self._going_beneath[~node]), int(self._shown_beneath[~node])
        return " " if not gone else "x" if gone == shown else "·"

    def _sum_going(self) -> None:
        if self._going is not None and self.content is not None:
            places = self.subject.places
            content = self.content.shown & (places.own < 0)
            self._going_beneath = sums_beneath(places, content & self._going)
            self._shown_beneath = sums_beneath(places, content)

    def _set_open(self, directory: int, opened: bool) -> None:
        self.opened[directory] = opened
        if opened:
            self._open_only_children(directory)
        self._lay_out(self.node)

    def _open_only_children(self, directory: int) -> None:
        while self.content and (inner := self.content.only_child(directory)) is not None:
            self.opened[inner] = True
            directory = inner

    def _open_for_filter(self, tree: Tree, filtered: bool) -> None:
        if not filtered:
            if self._before_filter is not None:
                self.opened, self._before_filter = self._before_filter, None
            return
        if self._before_filter is None:
            self._before_filter = self.opened.copy()
        if tree.files[0] <= _UNROLLED:
            self.opened[:] = True
        else:
            self.opened = self._before_filter.copy()

    def _lay_out(self, node: int | None) -> None:
        """The lines anew, the cursor at the line of `node`, or of what is left around it."""
        if self.content is None:
            return
        self.lines = self.content.lines(self.opened, self.order)
        places = self.subject.places
        line = 0
        while node is not None and node != ~0:
            found = np.flatnonzero(self.lines.node == node)
            if found.size:
                line = int(found[0])
                break
            node = ~int(places.directory[node] if node >= 0 else places.parent[~node])
        self.show(len(self.lines.node), line)
