"""A directory of links in which one model has another form, for the user's evaluation to look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slimml.errors import UsageError
from slimml.models.candidates import guard
from slimml.models.candidates.processes import Failed
from slimml.models.candidates.walk import files_of

SECONDS = 1800.0
"""at most for one evaluation"""


class Scene:
    """`source`, a directory or one file, as it would be with the forms that were taken so far.

    The command sees nothing of the original's directory but links, in `place`; the bar is the metric of the original.
    """

    def __init__(self, source: Path, place: Path, command: str) -> None:
        self._root = source if source.is_dir() else source.parent
        self._source, self._place, self._command = source, place, command
        self._taken: dict[Path, list[Path]] = {}
        self._original: float | None = None

    def take(self, path: Path, files: list[Path]) -> None:
        """From now on the model at `path` has the form in `files`, the graph or weights first."""
        self._taken[path] = files

    def evaluate(self, path: Path, model: Path) -> float:
        """The metric with the file `model` in the place of `path`; with `path` itself, that of the original.

        Raises Failed, UsageError where the command fails on the original.
        """
        if model != path:
            beside = [one for one in sorted(model.parent.iterdir()) if one.is_file() and one != model]
            return self._ask(path, self._taken | {path: [model, *beside]})
        if self._original is None:
            try:
                self._original = self._ask(path, {})
            except Failed as why:
                raise UsageError(f"--eval fails on the original: {why}") from None
        return self._original

    def _ask(self, path: Path, forms: dict[Path, list[Path]]) -> float:
        with self._view(forms) as view:
            return guard.evaluate(self._command, view, view / path.relative_to(self._root), SECONDS)

    @contextmanager
    def _view(self, forms: dict[Path, list[Path]]) -> Iterator[Path]:
        self._place.mkdir()
        try:
            for path in files_of(self._source):
                self._link(path, path)
            for path, files in forms.items():
                self._link(path, files[0])
                for file in files[1:]:
                    self._link(path.parent / file.name, file)
            yield self._place
        finally:
            shutil.rmtree(self._place, ignore_errors=True)

    def _link(self, path: Path, leads_to: Path) -> None:
        link = self._place / path.relative_to(self._root)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(leads_to.absolute())
