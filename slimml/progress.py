"""How long work tells how far it is, without knowing who listens (report/terminal listens with rich)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, amount: int) -> None:
        """`amount` more units (bytes, unless the task was started with another unit) are done."""


class Progress(Protocol):
    """A listener."""

    def task(self, title: str, total: int | None = None) -> AbstractContextManager[Task]:
        """Begin `title`, until the context ends; `total` is in bytes, None when unknown."""


class _Silent:
    def advance(self, amount: int) -> None:
        del amount

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator["_Silent"]:
        del title, total
        yield self


SILENT: Progress = _Silent()
