"""A list of lines with a cursor, drawn as they are seen: a million of them cost what the screen costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from slimml.explore.colours import CURSOR, CURSOR_ELSEWHERE

Piece = tuple[str, Style]
"""Some text of a line, harmless to a terminal, and its style"""


class LineList(ScrollView, can_focus=True):
    """Who inherits tells how many lines there are (`show`) and what stands in one (`pieces`)."""

    DEFAULT_CSS = """
    LineList { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,u", "page(-1)", show=False),
        Binding("pagedown,d", "page(1)", show=False),
        Binding("home,g", "move(-1000000000)", show=False),
        Binding("end,G", "move(1000000000)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another line, or the line under it changed."""

        def __init__(self, lines: LineList) -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> LineList:
            """The list."""
            return self.lines

    class Chosen(Moved):
        """The line under the cursor was asked for."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.count = 0
        self.cursor = 0

    def pieces(self, line: int, width: int) -> Iterable[Piece]:
        """What stands in a line that is `width` cells wide; what is longer is cut."""
        raise NotImplementedError

    def show(self, count: int, cursor: int) -> None:
        """Show `count` lines, the cursor at one of them."""
        self.count = count
        self.cursor = max(0, min(cursor, count - 1))
        self.virtual_size = Size(1, count)
        self._scroll_to_cursor()
        self.call_after_refresh(self._scroll_to_cursor)
        self.refresh()
        self.post_message(self.Moved(self))

    def move_to(self, line: int) -> None:
        """Put the cursor on a line."""
        line = max(0, min(line, self.count - 1))
        if line != self.cursor:
            self.cursor = line
            self._scroll_to_cursor()
            self.refresh()
            self.post_message(self.Moved(self))

    def action_move(self, lines: int) -> None:
        """Move the cursor."""
        self.move_to(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by what is seen at once."""
        self.move_to(self.cursor + pages * max(1, self._height - 1))

    def action_choose(self) -> None:
        """Ask for the line under the cursor."""
        if self.count:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; twice asks for the line."""
        line = event.y + self.scroll_offset.y
        if line < self.count:
            self.move_to(line)
            if event.chain > 1:
                self.action_choose()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._scroll_to_cursor()

    def on_focus(self) -> None:
        """The cursor looks otherwise."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks otherwise."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        line = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if line >= self.count:
            return Strip.blank(width, base)
        if line == self.cursor:
            base += CURSOR if self.has_focus else CURSOR_ELSEWHERE
        segments = []
        left = width
        for text, style in self.pieces(line, width):
            if left <= 0:
                break
            segments.append(Segment(text, base + style))
            left -= cell_len(text)
        return Strip(segments).adjust_cell_length(width, base)

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height

    def _scroll_to_cursor(self) -> None:
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self._height and self.cursor >= top + self._height:
            self.scroll_to(y=self.cursor - self._height + 1, animate=False)
