"""Bars on a terminal for work that takes a while: the rich listener of slimml.progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress

from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID


class _Bar:
    def __init__(self, bars: RichProgress, identity: TaskID) -> None:
        self._bars, self._identity = bars, identity

    def advance(self, amount: int) -> None:
        self._bars.advance(self._identity, amount)


class Bars:
    """A bar for each task under way; they leave no trace when all are done. Tasks may run in several threads."""

    def __init__(self, console: Console) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._lock, self._under_way = Lock(), 0

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[_Bar]:
        """Show `title` until the context ends; `total` is in bytes, None when unknown."""
        with self._lock:
            if not self._under_way:
                self._bars.start()
            self._under_way += 1
            identity = self._bars.add_task(visible(title), total=total)
        try:
            yield _Bar(self._bars, identity)
        finally:
            with self._lock:
                self._bars.remove_task(identity)
                self._under_way -= 1
                if not self._under_way:
                    self._bars.stop()
