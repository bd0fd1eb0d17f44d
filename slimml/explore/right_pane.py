"""The right side: the tree of what was chosen, less what filters hide, and what is known of the entry at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from slimml.explore import details
from slimml.explore.scope import Sign
from slimml.explore.tree import Order, tree_of
from slimml.explore.tree_view import TreeView
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from slimml.explore.scope import Scope
    from slimml.explore.subject import Found, Subject


class FilterLine(Input):
    """Where a regular expression is written; it holds while it is written."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab,down", "submit", show=False)]

    def __init__(self) -> None:
        super().__init__(id="filter", placeholder="filter: a regular expression, such as \\.so$", compact=True)


class RightPane(Vertical):
    """The tree and its filters."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(id="right")
        self.subject = subject
        self.found: Found | None = None
        self.view = TreeView(subject)
        self.line = FilterLine()
        self.line.display = False
        self._scope: Scope | None = None
        self._hidden: set[Sign] = set()
        self._pattern = ""
        self._matching = np.ones(subject.inventory.table.num_rows, dtype=bool)
        self._compressed = False
        self._title = Static(id="scope")
        self._titles = Static(classes="titles")
        self._entry = Static(id="entry")

    def compose(self) -> ComposeResult:
        """What is shown, the tree, the filter, what is told of an entry."""
        yield self._title
        yield self._titles
        yield self.view
        yield self.line
        yield self._entry

    def facts(self) -> list[details.Fact]:
        """What is known of the entry under the cursor."""
        node, tree = self.view.node, self.view.content
        if node is None or tree is None:
            return [("", self._nothing())]
        if node < 0:
            return list(details.directory_facts(self.subject, tree, ~node, self.found))
        return list(details.row_facts(self.subject, node, self.found))

    def show_scope(self, scope: Scope) -> None:
        """Show the tree of a scope."""
        self._scope = scope
        self._show(anew=True)

    def toggle_sign(self, sign: Sign) -> None:
        """Show or hide entries with a sign."""
        self._hidden ^= {sign}
        self._show()

    def show_all_signs(self) -> None:
        """Hide nothing by its sign."""
        self._hidden.clear()
        self._show()

    def toggle_measure(self) -> None:
        """Show bytes on disk, or compressed."""
        self._compressed = not self._compressed
        self._show()

    def toggle_order(self) -> None:
        """Sort by name, or by size."""
        self.view.sort_by(Order.NAME if self.view.order is Order.SIZE else Order.SIZE)
        self._tell()

    def ask_filter(self) -> None:
        """Let a person write a filter."""
        self.line.display = True
        self.line.focus()

    def unfilter(self) -> None:
        """Show all paths again."""
        self.line.value = ""
        self.line.display = False
        self._apply("")

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        self._apply(event.value)

    @on(Input.Submitted)
    def _filter_done(self) -> None:
        self.line.display = bool(self._pattern)
        self.view.focus()

    @on(TreeView.Moved)
    def _moved(self) -> None:
        self._titles.update(Text(self.view.columns.titles, no_wrap=True))
        self._entry.update(details.written(self.facts()))

    def _apply(self, pattern: str) -> None:
        if pattern != self._pattern:
            try:
                self._matching = self.subject.matching(pattern)
            except ValueError:
                self.line.add_class("wrong")
                return
            self._pattern = pattern
            self._show()
        self.line.remove_class("wrong")

    def _show(self, *, anew: bool = False) -> None:
        if self._scope is None:
            return
        shown = self._scope.rows & self._matching
        for sign in self._hidden:
            shown &= self._scope.sign != sign
        weight = self.subject.bytes_of(compressed=self._compressed)
        tree = tree_of(self.subject.places, self._scope, shown, weight)
        self.view.show_tree(tree, anew=anew, filtered=bool(self._pattern))
        self._tell()

    def _tell(self) -> None:
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f" {self._scope.title if self._scope else ''}", "bold")
        said = [f"/{visible(self._pattern)}/"] if self._pattern else []
        said += [f"without {', '.join(_SAID[sign] for sign in sorted(self._hidden))}"] if self._hidden else []
        said += ["bytes compressed"] if self._compressed else []
        said += ["by name"] if self.view.order is Order.NAME else []
        text.append("".join(f" · {words}" for words in said))
        self._title.update(text)

    def _nothing(self) -> str:
        if self._pattern:
            return "no path matches; Esc takes the filter away"
        return "all is hidden; Ctrl+A, Ctrl+R, Ctrl+M, Ctrl+U show it again" if self._hidden else "nothing is here"


_SAID = {Sign.ADDED: "added", Sign.MODIFIED: "modified", Sign.REMOVED: "removed", Sign.SAME: "unmodified"}
