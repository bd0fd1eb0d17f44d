"""How a container's main process ended, in words: its code, its signal, and the last that it said."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.engine.container import Exited, Output

_LINES, _LINE_CHARACTERS = 6, 300


def told_end(exited: Exited, said: Output) -> str:
    """`ended with code 1; it said: …`."""
    if exited.out_of_memory:
        how = f"was killed for its memory (code {exited.code})"
    else:
        how = f"ended with code {exited.code}{_signal(exited.code)}"
    words = last_words(said)
    return f"{how}; it said: {words}" if words else f"{how} without a word"


def last_words(said: Output) -> str:
    """The last lines of standard error, or of standard output where there are none, on one line."""
    text = (said.stderr.strip() or said.stdout.strip()).decode("utf-8", "replace")
    lines = [line.rstrip()[:_LINE_CHARACTERS] for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-_LINES:])


def _signal(code: int) -> str:
    try:
        return f" ({signal.Signals(code - 128).name})" if code > 128 else ""
    except ValueError:
        return ""
