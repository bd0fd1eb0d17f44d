"""From an image's history to the lines of its Dockerfile: which instruction made which step."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from slimml.dockerfile.document import Document
from slimml.dockerfile.history import Entry, read_entry, words_of
from slimml.dockerfile.instructions import Instruction
from slimml.dockerfile.stages import Stage, Step, lineage, read_stages
from slimml.dockerfile.variables import expand

MOST_STEPS = 500
"""History entries and instructions beyond this many are not held against each other."""

_SURE, _LIKELY = 4, 1


@dataclass(frozen=True)
class Place:
    """Where a step of the history comes from. `inherited`: from the base image that `instruction`, a FROM, names."""

    instruction: Instruction
    inherited: bool = False

    @property
    def line(self) -> int:
        """The line of the instruction, from 1."""
        return self.instruction.line


def locate_line(document: Document, created_by: str) -> int | None:
    """The line, from 1, of the one instruction that says what the history entry says; None for none or several."""
    entry = read_entry(created_by)
    found = {
        step.instruction.line
        for stage in read_stages(document)
        for step in stage.steps
        if _likeness(entry, step, document.escape) >= _SURE
    }
    return found.pop() if len(found) == 1 else None


def locate_history(document: Document, history: Sequence[str]) -> tuple[Place | None, ...]:
    """For each entry of a history, oldest first, where it comes from; None where the Dockerfile does not tell.

    History and instructions are aligned in order, against the stage that fits best (the last one where several do).
    What is older than the first entry that fits is the base image's, and so belongs to its FROM.
    """
    nowhere: tuple[Place | None, ...] = (None,) * len(history)
    entries = [read_entry(created_by) for created_by in history]
    best, score = nowhere, 0
    for steps, start in _chains(document):
        if len(entries) > MOST_STEPS or len(steps) > MOST_STEPS:
            continue
        pairs, fits = _aligned(entries, steps, document.escape)
        # What nobody is sure of may be chance; a later stage is the likelier target.
        if fits >= max(score, _SURE):
            best, score = _places(pairs, start, len(entries)), fits
    return best


def _chains(document: Document) -> list[tuple[list[Step], Instruction]]:
    """For each stage the instructions that end up in its image, and the FROM that names its base image."""
    stages = read_stages(document)
    found = []
    for stage in stages:
        chain: tuple[Stage, ...] = lineage(stages, stage.index)
        found.append(([step for one in chain for step in one.steps], chain[0].start))
    return found


def _places(pairs: dict[int, Step], start: Instruction, count: int) -> tuple[Place | None, ...]:
    first = min(pairs)
    return tuple(
        Place(pairs[at].instruction) if at in pairs else Place(start, inherited=True) if at < first else None
        for at in range(count)
    )


def _aligned(entries: list[Entry], steps: list[Step], escape: str) -> tuple[dict[int, Step], int]:
    """The pairs of entry and step with the greatest likeness in all, both in order; and that likeness.

    Among equal ones the latest entries are taken: the base's history, which comes first, may say the same.
    """
    likeness = [[_likeness(entry, step, escape) for step in steps] for entry in entries]
    # best[i][j]: of entries up to i and steps up to j.
    best = [[0] * (len(steps) + 1) for _ in range(len(entries) + 1)]
    for i in range(1, len(entries) + 1):
        for j in range(1, len(steps) + 1):
            fit = likeness[i - 1][j - 1]
            paired = best[i - 1][j - 1] + fit if fit else 0
            best[i][j] = max(best[i - 1][j], best[i][j - 1], paired)
    pairs: dict[int, Step] = {}
    i, j = len(entries), len(steps)
    while i and j:
        fit = likeness[i - 1][j - 1]
        if fit and best[i][j] == best[i - 1][j - 1] + fit:
            pairs[i - 1] = steps[j - 1]
            i, j = i - 1, j - 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i -= 1
    return pairs, best[-1][-1]


def _likeness(entry: Entry, step: Step, escape: str) -> int:
    """How sure it is that the step made the entry: 0 for not at all."""
    found = step.instruction
    if entry.instruction != found.name:
        return 0
    if found.name == "RUN":
        return _SURE if _joined(entry.text) in (_joined(_command(found)), _joined(found.arguments.text)) else 0
    if found.name in ("COPY", "ADD"):
        return _copied(entry, step, escape)
    if found.name in ("CMD", "ENTRYPOINT"):
        said = words_of(entry.text)
        return _SURE if said is not None and said in (found.values, (*step.scope.shell, *found.values)) else _LIKELY
    values = [expand(word.text, step.scope.environment, escape) for word in found.words]
    if any(value is None for value in values):
        return _LIKELY
    if found.name in ("ENV", "LABEL"):
        written = " ".join(f"{name}={value}" for name, value in zip(values[::2], values[1::2], strict=True))
        return _SURE if _joined(entry.text.replace('"', "")) == _joined(written.replace('"', "")) else 0
    if found.name == "WORKDIR":
        return _SURE if entry.text.rstrip("/").endswith(posixpath.normpath(values[0] or "").lstrip(".")) else 0
    if found.name == "ARG":
        names = {word.text.partition("=")[0] for word in found.words}
        return _SURE if {part.partition("=")[0] for part in entry.text.split()} & names else 0
    return _SURE if _joined(entry.text) == _joined(" ".join(value or "" for value in values)) else _LIKELY


def _command(found: Instruction) -> str:
    """A RUN's text as histories have it: heredocs behind their line."""
    return " ".join(found.values) if found.json else found.arguments.text.split("\n")[0]


def _joined(text: str) -> str:
    """In one line, with white space of one kind; a heredoc's lines are left out."""
    return " ".join(text.split("\n")[0].split() if "<<" in text else text.split())


def _copied(entry: Entry, step: Step, escape: str) -> int:
    values = [expand(word.text, step.scope.environment, escape) or word.text for word in step.instruction.words]
    target, wanted = posixpath.normpath(entry.target), posixpath.normpath(values[-1])
    if target != wanted and (wanted.startswith("/") or not target.endswith(f"/{wanted}")):
        return 0
    if entry.sources is None:
        several = len(values) > 2
        return _SURE if several == (entry.copied == "multi") or entry.copied != "multi" else _LIKELY
    return _SURE if list(entry.sources) == values[:-1] else 0
