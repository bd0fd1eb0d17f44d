"""The terminal: a rich console that takes text as text, and what may be printed on it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console(stream: IO[str], *, color: bool) -> Console:
    """A console on `stream`. Neither markup nor emoji codes in texts mean anything: they come from images.

    Without `color`, or with the variable NO_COLOR (no-color.org), nothing is coloured.
    """
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False, no_color=None if color else True)
