"""From an image's history to the lines of its Dockerfile: which instruction made which step."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from slimml.dockerfile.document import Document
from slimml.dockerfile.history import Entry, read_entry, words_of
from slimml.dockerfile.instructions import Instruction
from slimml.dockerfile.spans import decode
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
        if _likeness(entry, step, document) >= _SURE
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
        pairs, fits = _aligned(entries, steps, document)
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


def _aligned(entries: list[Entry], steps: list[Step], document: Document) -> tuple[dict[int, Step], int]:
    """The pairs of entry and step with the greatest likeness in all, both in order; and that likeness.

    Among equal ones the latest entries are taken: the base's history, which comes first, may say the same.
    """
    likeness = [[_likeness(entry, step, document) for step in steps] for entry in entries]
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


def _likeness(entry: Entry, step: Step, document: Document) -> int:
    """How sure it is that the step made the entry: 0 for not at all."""
    found, escape = step.instruction, document.escape
    if entry.instruction != found.name:
        return 0
    if found.name == "RUN":
        return _SURE if _same_command(entry, step, document) else 0
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


def _same_command(entry: Entry, step: Step, document: Document) -> bool:
    """Whether a RUN's entry is that of the step: without its shell, with it, or as Buildah tells of an exec form."""
    found = step.instruction
    said = _joined(_command(found, document))
    whole = said if found.json else f"{' '.join(step.scope.shell)} {said}"
    if found.json and _joined(entry.text) == _joined(found.arguments.text):
        return True
    return whole == _joined(f"{entry.shell} {entry.text}") or (not found.json and said == _joined(entry.text))


def _command(found: Instruction, document: Document) -> str:
    """A RUN's text as histories have it: a heredoc alone is its content, others follow their line."""
    if found.json:
        return " ".join(found.values)
    text = found.arguments.text
    contents = [decode(heredoc.content.of(document.data)) for heredoc in found.heredocs]
    if len(contents) == 1 and text.startswith("<<") and len(text.split()) == 1:
        return contents[0]
    return text + "".join(f"\n{content}{doc.name}" for content, doc in zip(contents, found.heredocs, strict=True))


def _joined(text: str) -> str:
    """In one line, with white space of one kind."""
    return " ".join(text.split())


def _copied(entry: Entry, step: Step, escape: str) -> int:
    values = [expand(word.text, step.scope.environment, escape) or word.text for word in step.instruction.words]
    if entry.sources is not None:
        # Names may have spaces in them, and histories have no quotes.
        return _SURE if _joined(re.sub(r"^(?:--\S+ )+", "", entry.text)) == _joined(" ".join(values)) else 0
    target, wanted = posixpath.normpath(entry.target), posixpath.normpath(values[-1])
    if target == wanted or (not wanted.startswith("/") and target.endswith(f"/{wanted}")):
        return _SURE if entry.copied != "multi" or len(values) > 2 else _LIKELY
    return 0
