"""The explorer: layers, owners and findings on the left, the files of what is chosen there on the right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.widgets import Footer, Static

from slimml.explore import details
from slimml.explore.choices import Choices, Kind
from slimml.explore.covering import covering_paths
from slimml.explore.help import help_text
from slimml.explore.left_pane import LeftPane
from slimml.explore.marking import Marking
from slimml.explore.right_pane import RightPane
from slimml.explore.scope import Scope, Sign, of_finding, of_layers, of_owner
from slimml.explore.screens import Naming, Reading, WhatIf
from slimml.explore.styles import CSS
from slimml.explore.subject import Found, look_for_waste, subject_of
from slimml.explore.tree_view import TreeView
from slimml.explore.verdict import status
from slimml.explore.what_if import Outcome, planned
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.slim.marked import Marks

_NARROW, _LOW, _HIGH = 66, 18, 34
"""cells: below the first one side is shown at a time, below the second details are left to the key i"""


class Explorer(App[None]):
    """An image. When it has ended `fault` is what went wrong, if something did, `marking` has the marks and `saved` the
    file that they were written to last.
    """

    TITLE = "slimml explore"
    CSS = CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "Help"),
        Binding("ctrl+f,slash,ctrl+slash,ctrl+underscore", "filter", "Filter"),
        Binding("s,ctrl+o", "sort", "Sort"),
        Binding("i", "details", show=False),
        Binding("w", "what_if", "What if"),
        Binding("q", "quit", "Quit"),
        Binding("c", "measure", show=False),
        Binding("e", "export", show=False),
        Binding("1", "list('layers')", show=False),
        Binding("2", "list('owners')", show=False),
        Binding("3", "list('findings')", show=False),
        Binding("escape", "unfilter", show=False),
        Binding("ctrl+z", "suspend_process", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, inventory: Inventory) -> None:
        super().__init__()
        self.animation_level = "none"
        self.subject = subject_of(inventory)
        self.fault: BaseException | None = None
        self.saved: Path | None = None
        self.marking = Marking(self.subject, self._marks_changed)
        self.left = LeftPane(self.subject)
        self.right = RightPane(self.subject)
        self._head = Static(id="head")
        self._status = Static(id="status")
        self._status.display = False
        self._aggregated = False
        self._planning = False
        self._works = 0
        self._message = ""

    def compose(self) -> ComposeResult:
        """Both sides, a line about the image above, marks and keys below."""
        yield self._head
        with Horizontal():
            yield self.left
            yield self.right
        yield self._status
        yield Footer(compact=True, show_command_palette=False)

    @property
    def busy(self) -> bool:
        """Whether something is still being worked out."""
        return self._works > 0

    def on_mount(self) -> None:
        """Show the whole image; what could go is looked for meanwhile."""
        self.left.choices.list_kind(Kind.LAYERS)
        self.right.view.focus()
        self._in_background(partial(look_for_waste, self.subject.inventory), self._learn)

    def on_resize(self, event: Resize) -> None:
        """One side at a time on a narrow screen, no details on a low one."""
        screen = self.screen_stack[0]
        screen.set_class(event.size.width < _NARROW, "narrow")
        screen.set_class(event.size.height < _LOW, "low")
        screen.set_class(event.size.height >= _HIGH, "high")
        self._tell_image()

    def _tell_image(self) -> None:
        self._head.update(details.headline(self.subject, self.marking.found, self.size.width))

    @on(TreeView.Moved, "#tree")
    def _entry_moved(self) -> None:
        self._say("")

    @on(Choices.Moved, "#choices")
    def _choice_moved(self) -> None:
        self._say("")
        self.right.show_scope(self._scope())

    @on(Choices.Chosen, "#choices")
    def _choice_chosen(self) -> None:
        if self.left.choices.kind is not Kind.LAYERS:
            self.right.view.action_largest()
        self._focus(left=False)

    @on(TreeView.Chosen, "#tree")
    def _entry_chosen(self) -> None:
        self.action_details()

    def _scope(self) -> Scope:
        choices, inventory, places = self.left.choices, self.subject.inventory, self.subject.places
        if choices.chosen_owner is not None:
            return of_owner(inventory, choices.chosen_owner, visible(inventory.owners[choices.chosen_owner].label))
        if choices.chosen_finding is not None:
            return of_finding(inventory, choices.chosen_finding, visible(choices.chosen_finding.title))
        if choices.kind is Kind.FINDINGS:
            nothing = np.zeros(inventory.table.num_rows, dtype=bool)
            return Scope("findings", nothing, nothing.astype(np.uint8), nothing)
        top = len(inventory.layers) - 1 if choices.chosen_layer is None else choices.chosen_layer
        whole = self._aggregated or choices.chosen_layer is None
        base = min(0, top - 1) if whole else top - 1
        title = "whole image" if choices.chosen_layer is None else f"layers 0 to {top}" if whole else f"layer {top}"
        against = "" if base < 0 else f" against layer {base}" if base == 0 else f" against 0 to {base}"
        return of_layers(inventory, places, top, base, title + against)

    # Keys

    def action_help(self) -> None:
        """List the keys."""
        if len(self.screen_stack) == 1:
            self.push_screen(Reading("Keys", help_text()))

    def action_details(self) -> None:
        """All that is known of the line under the cursor."""
        if len(self.screen_stack) == 1:
            left = self.left.choices.has_focus
            text = details.written(self.left.facts() if left else self.right.facts())
            self.push_screen(Reading("Under the cursor", text))

    def action_switch_pane(self) -> None:
        """Go to the other side."""
        self._focus(left=not self.left.choices.has_focus)

    def action_list(self, kind: str) -> None:
        """List layers, owners or findings."""
        self._focus(left=True)
        self.left.choices.list_kind(Kind(kind))

    def action_compare(self, aggregated: bool) -> None:
        """Show the changes of all layers up to the chosen one, or of that one."""
        self._aggregated = aggregated
        self.right.show_scope(self._scope())

    def action_toggle_sign(self, name: str) -> None:
        """Show or hide what was added, removed, modified, or stayed the same."""
        self.right.toggle_sign(Sign[name.upper()])

    def action_sort(self) -> None:
        """Sort by name, or by size."""
        self.right.toggle_order()

    def action_measure(self) -> None:
        """Show bytes on disk, or compressed."""
        self.right.toggle_measure()

    def action_largest(self) -> None:
        """Go to the largest file of what is chosen."""
        self.right.view.action_largest()
        self._focus(left=False)

    def action_filter(self) -> None:
        """Ask for a regular expression."""
        self._focus(left=False)
        self.right.ask_filter()

    def action_unfilter(self) -> None:
        """Show all paths again."""
        self.right.unfilter()
        if not self.left.choices.has_focus:
            self._focus(left=False)

    def action_owner_of(self) -> None:
        """Go to the owner of the file under the cursor."""
        node = self.right.view.node
        if node is None or node < 0:
            self._say("stand on a file: a directory may have many owners")
            return
        owner = int(self.subject.inventory.owner[node])
        position = [held.owner for held in self.subject.owners].index(owner)
        self._go_to(Kind.OWNERS, position, node)

    def action_finding_of(self) -> None:
        """Go to the finding that has the file under the cursor."""
        node, found = self.right.view.node, self.left.choices.found
        finding = int(found.of_row[node]) if found is not None and node is not None and node >= 0 else -1
        if node is None or finding < 0:
            self._say("no finding has it" if node is not None and node >= 0 else "stand on a file")
            return
        self._go_to(Kind.FINDINGS, finding, node)

    def action_mark(self) -> None:
        """Mark what is under the cursor for removal, or take the mark back."""
        choices, tree = self.left.choices, self.right.view
        if tree.has_focus:
            said = self._mark_node()
        elif choices.chosen_owner is not None:
            said = self.marking.toggle_package(choices.chosen_owner)
        elif choices.chosen_finding is not None:
            said = self.marking.toggle_rule(choices.chosen_finding)
        else:
            said = "mark paths, owners or findings: a layer goes when all that it holds does"
        if said:
            self._say(said)

    def action_what_if(self) -> None:
        """Show what the marks come to."""
        if not self.marking.marks:
            self._say("nothing is marked yet: x marks what is under the cursor")
        elif len(self.screen_stack) == 1:
            self.push_screen(WhatIf(self.marking))

    def action_export(self) -> None:
        """Write the marks to a file."""
        if not self.marking.marks:
            self._say("nothing is marked yet: x marks what is under the cursor")
        elif not isinstance(self.screen, Naming):
            self.push_screen(Naming(self.subject.inventory, self.marking.marks), self._exported)

    def _exported(self, path: Path | None) -> None:
        if path is not None:
            self.saved = path
            self._say(f"written to {path}; the command to use it is shown when you leave, and by w")

    def _mark_node(self) -> str | None:
        view = self.right.view
        if view.node is None or view.content is None:
            return None
        paths = covering_paths(self.subject, view.content, view.node)
        said = self.marking.toggle_paths(paths, going=view.is_going(view.node))
        if said is None:
            view.action_move(1)
        return said

    def _go_to(self, kind: Kind, line: int, node: int) -> None:
        self._focus(left=False)
        self.left.choices.list_kind(kind, line)
        self.right.show_scope(self._scope())
        self.right.view.reveal(node)

    def _focus(self, *, left: bool) -> None:
        self.screen_stack[0].set_class(left, "on-left")
        (self.left.choices if left else self.right.view).focus()

    def _say(self, words: str) -> None:
        """Say something in the line of the marks, until the cursor moves."""
        if words != self._message:
            self._message = words
            self._show_status()

    def _show_status(self) -> None:
        marks = self.marking.marks
        self._status.display = bool(marks or self._message)
        if self._message:
            self._status.update(Text(f" {visible(self._message)}", no_wrap=True, overflow="ellipsis"))
        else:
            self._status.update(status(self.subject.inventory, marks, self.marking.outcome) if marks else Text())

    # What takes longer

    def _learn(self, found: Found) -> None:
        self.marking.learn(found)
        self.right.found = found
        self.left.know(found)
        self._tell_image()

    def _marks_changed(self) -> None:
        self._show_marks()
        if self.marking.marks and not self._planning:
            self._planning = True
            marks = self.marking.marks
            work = partial(planned, self.subject.inventory, self.marking.findings, marks)
            self._in_background(work, partial(self._plan_made, marks))

    def _plan_made(self, marks: Marks, outcome: Outcome) -> None:
        self._planning = False
        if marks == self.marking.marks:
            self.marking.outcome = outcome
            self._show_marks()
        else:
            self._marks_changed()

    def _show_marks(self) -> None:
        marks, outcome = self.marking.marks, self.marking.outcome
        self._show_status()
        self.right.view.show_going(outcome.rows if outcome else None)
        self.left.choices.marks = marks
        self.left.choices.refused = frozenset(one.what for one in outcome.refused) if outcome else frozenset()
        self.left.choices.refresh()
        for screen in self.screen_stack:
            if isinstance(screen, WhatIf):
                screen.tell()

    def _in_background(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Call `then` with what `work` gives; nobody waits for it when the explorer is left."""

        def end(then: Callable[[Any], None], given: Any) -> None:
            self._works -= 1
            then(given)

        def run() -> None:
            try:
                done = partial(end, then, work())
            except Exception as error:
                done = partial(end, self._handle_exception, error)
            with suppress(RuntimeError):  # the explorer was left meanwhile
                self.call_from_thread(done)

        self._works += 1
        Thread(target=run, daemon=True).start()

    def _handle_exception(self, error: Exception) -> None:
        """Leave; whoever started the explorer tells of `fault` in one line, as of every other error."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        self.fault = self.fault or error
        self.exit()
