"""The result of holding two images together, as values; every report of `slimml verify` is drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from slimml.engine.container import EngineFacts
from slimml.probes.answer import Answer, Asked
from slimml.probes.probe import Suite


class Verdict(Enum):
    """What is known of one probe, or of an image."""

    SAME = "same"
    DIFFERENT = "different"
    BROKEN = "broken"
    """the original answers, the other image does not"""
    UNPROVEN = "unproven"
    """the original itself does not answer as its probe expects, or nothing was asked"""


@dataclass(frozen=True)
class Difference:
    """One part of an answer (`status`, `header:content-type`, `json:/scores/0`, `file:/out/a.csv`), as said by each.

    `varying` says that the part varies in the original, too, but never like this: `original` tells how, then.
    """

    part: str
    original: str
    slim: str
    varying: bool = False


@dataclass(frozen=True)
class Row:
    """A probe's verdict. `ignored` are the parts that differ from run to run of the original itself, or were named.

    `remarks` are differences that do not count: those of standard error, unless its probe wants it compared.
    """

    probe: str
    verdict: Verdict
    differences: tuple[Difference, ...]
    ignored: tuple[str, ...]
    original: Answer
    slim: Answer
    remarks: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Verification:
    """All rows. `not_checked` says in words what nobody looked at; `failure` why the slim image never was ready."""

    original: str
    slim: str
    engine: EngineFacts
    origin: str
    rows: tuple[Row, ...]
    not_checked: tuple[str, ...]
    failure: str | None = None
    asked: Asked | None = None
    """what the slim image said, its logs with it, for those who mend"""

    @property
    def verdict(self) -> Verdict:
        """The worst of all: BROKEN, then DIFFERENT, then UNPROVEN; SAME only when every probe is."""
        found = {row.verdict for row in self.rows}
        for worst in (Verdict.BROKEN, Verdict.DIFFERENT, Verdict.UNPROVEN):
            if worst in found:
                return worst
        return Verdict.SAME if found else Verdict.UNPROVEN


@dataclass(frozen=True)
class Noise:
    """The parts of each probe's answer that differ between runs of the original, in words, by the name of the probe."""

    parts: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Baseline:
    """What the original answers: asked twice or more, so that what varies by itself is known.

    `asked` is the first round, `more` are the others; `learnt_at` is when the last one ended, in seconds of the epoch.
    """

    reference: str
    suite: Suite
    asked: Asked
    noise: Noise
    more: tuple[Asked, ...] = ()
    learnt_at: float = 0.0

    @property
    def rounds(self) -> tuple[Asked, ...]:
        """All rounds, the first one first."""
        return (self.asked, *self.more)
