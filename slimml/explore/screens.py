"""Screens above the explorer: text to read, what if, a name for a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from slimml.errors import SlimmlError
from slimml.explore.colours import MARK, NUMBER, PLAIN, QUIET
from slimml.explore.line_list import LineList, Piece
from slimml.explore.saving import DEFAULT_NAME, save
from slimml.explore.verdict import Mark, listed_marks, outcome_text
from slimml.report.sizes import size

if TYPE_CHECKING:
    from slimml.explore.marking import Marking
    from slimml.inventory.table import Inventory
    from slimml.slim.marked import Marks


class Reading(ModalScreen[None]):
    """A text with a title, to read and close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,i,enter,question_mark,f1", "dismiss", "Close"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,d,space", "page(1)", show=False),
        Binding("pageup,u", "page(-1)", show=False),
    ]

    def __init__(self, title: str, text: Text) -> None:
        super().__init__()
        self._headline = title
        self._text = text

    def compose(self) -> ComposeResult:
        """A box with the text."""
        with Vertical(classes="box"):
            yield Static(Text(self._headline, style="bold"), classes="title")
            with VerticalScroll(can_focus=False):
                yield Static(self._text)
            yield Static(Text("Esc closes, arrows scroll", style=QUIET))

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll by what is seen at once."""
        box = self.query_one(VerticalScroll)
        box.scroll_relative(y=pages * max(1, box.size.height - 1), animate=False)


class MarkLines(LineList):
    """The marks, each with what it alone comes to."""

    def __init__(self) -> None:
        super().__init__("marks")
        self.marks: list[Mark] = []

    def list_marks(self, marks: list[Mark]) -> None:
        """List these."""
        self.marks = marks
        self.show(len(marks), self.cursor)

    def pieces(self, line: int, width: int) -> Iterable[Piece]:
        """The bytes of a mark, what sort it is, and its name."""
        mark = self.marks[line]
        yield ("= " if mark.sort == "keep" else "x "), MARK
        yield f"{size(mark.disk_bytes):>8} ", NUMBER
        yield f"{mark.sort:<8} ", QUIET
        yield mark.name, PLAIN


class WhatIf(ModalScreen[None]):
    """What the marks come to; marks can be taken back here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w", "dismiss", "Close"),
        Binding("x,delete", "unmark", "Unmark"),
        Binding("e", "app.export", "Export"),
        Binding("J,shift+down", "scroll(1)", "Scroll ↓"),
        Binding("K,shift+up", "scroll(-1)", "Scroll ↑"),
    ]

    def __init__(self, marking: Marking) -> None:
        super().__init__()
        self._marking = marking

    def compose(self) -> ComposeResult:
        """The marks above, what they come to below."""
        with Vertical(classes="box tall"):
            yield Static(Text("What if this went?", style="bold"), classes="title")
            yield MarkLines()
            with VerticalScroll(id="verdict", can_focus=False):
                yield Static(id="outcome")
            yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Show what is known by now."""
        self.tell()

    def tell(self) -> None:
        """Show the marks and the outcome as they are now."""
        marks = listed_marks(self._marking.subject, self._marking.found, self._marking.marks)
        if not marks:
            self.dismiss()
            return
        lines = self.query_one(MarkLines)
        lines.styles.height = min(len(marks), max(3, self.size.height // 3))
        lines.list_marks(marks)
        inventory = self._marking.subject.inventory
        said = outcome_text(inventory, self._marking.marks, self._marking.outcome)
        self.query_one("#outcome", Static).update(said)

    def action_unmark(self) -> None:
        """Take back the mark under the cursor."""
        lines = self.query_one(MarkLines)
        self._marking.unmark(lines.marks[lines.cursor])

    def action_scroll(self, lines: int) -> None:
        """Scroll what the marks come to."""
        self.query_one("#verdict", VerticalScroll).scroll_relative(y=3 * lines, animate=False)


class Naming(ModalScreen[Path | None]):
    """Asks for the name of the file for the marks, until one can be written; gives it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(self, inventory: Inventory, marks: Marks) -> None:
        super().__init__()
        self._inventory = inventory
        self._marks = marks

    def compose(self) -> ComposeResult:
        """A line to write in."""
        with Vertical(classes="box small"):
            yield Static(Text("Write the marks to a new file", style="bold"), classes="title")
            yield Input(DEFAULT_NAME, compact=True)
            yield Static(Text("Enter writes it, Esc cancels", style=QUIET), id="said")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write, or say why not."""
        path = Path(event.value.strip() or DEFAULT_NAME).expanduser()
        try:
            save(self._inventory, self._marks, path)
        except SlimmlError as error:
            self.query_one("#said", Static).update(Text(str(error), style=MARK))
        else:
            self.dismiss(path)
