"""Whether a candidate is as good as the original: by a metric, by answers on real samples, or by somebody else's word.

The bars are those that others found to hold (MLPerf's closed division, Intel Neural Compressor, Olive: 1 % relative).
"""

from __future__ import annotations

import math
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from slimml.errors import UsageError
from slimml.models.candidates.drift import Drift, Kind
from slimml.models.candidates.processes import Failed

METRIC_DROP = 0.01
"""relative, at most"""
AGREEMENT = 0.99
"""of decisions, at least"""
COSINE = 0.99
"""the median over samples, at least"""
TURNED = 0.9
"""the median cosine of vectors that are right by a metric, at least"""
SLOWER = 1.05
"""the latency as a multiple of the original's, at most"""


@dataclass(frozen=True)
class Verdict:
    """Whether it may be taken; `why` says what it was judged by, and what was wrong if it may not."""

    passed: bool
    why: str


Judge = Callable[[Path], Verdict]
"""Judges the candidate whose file is at a path, by whatever means: the probes of a service, for one."""


def judge_metric(before: float, after: float) -> Verdict:
    """By a number of which more is better; where it is negative (a loss with its sign turned), by its distance."""
    allowed = before - abs(before) * METRIC_DROP
    told = f"metric {before:.4g} → {after:.4g}"
    if math.isfinite(after) and after >= allowed:
        return Verdict(True, told)
    return Verdict(False, f"{told}: more than {METRIC_DROP:.0%} worse")


def judge_drift(found: Sequence[Drift]) -> Verdict:
    """By what it answers to real samples."""
    if not found:
        return Verdict(False, "no outputs to compare")
    wrong = [words for one in found if (words := _wrong(one))]
    if wrong:
        return Verdict(False, "; ".join(wrong))
    return Verdict(True, "; ".join(_told(one) for one in found))


def judge_turned(found: Sequence[Drift]) -> Verdict | None:
    """What a metric does not see: vectors that agree among each other and no longer with those that were stored.

    None where there is nothing to say against it.
    """
    for one in found:
        if one.kind is Kind.VECTOR and one.cosine is not None and one.cosine < TURNED:
            return Verdict(False, f"{one.name}: median cosine {one.cosine:.4f}: stored vectors fit no more")
    return None


def _wrong(one: Drift) -> str:
    if one.broken:
        return f"{one.name}: values that are no numbers, or of another shape"
    if one.agreement is not None and one.agreement < AGREEMENT:
        return f"{one.name}: {one.agreement:.1%} of {_decisions(one)} agree, {AGREEMENT:.0%} are asked for"
    # A sequence is right when its text is; single steps of a sound model may point anywhere.
    by_text = one.kind is Kind.SEQUENCE and one.agreement is not None
    if not by_text and one.cosine is not None and one.cosine < COSINE:
        return f"{one.name}: median cosine {one.cosine:.4f}, {COSINE} is asked for"
    if one.swapped:
        first, second = one.swapped[0]
        return f"{one.name}: values {first} and {second} changed places"
    return ""


def _told(one: Drift) -> str:
    parts = [] if one.agreement is None else [f"{one.agreement:.1%} of {_decisions(one)} agree"]
    parts += [] if one.cosine is None else [f"median cosine {one.cosine:.4f}"]
    return f"{one.name}: {', '.join(parts) or 'nothing to tell apart'}"


def _decisions(one: Drift) -> str:
    return {Kind.SEQUENCE: "the decoded text", Kind.WHOLE: "the numbers"}.get(one.kind, "the decisions")


def evaluate(command: str, place: Path, model: Path, seconds: float) -> float:
    """The number in the last line that the user's command prints about the model: more is better.

    The command is given SLIMML_MODEL, the model's file, and SLIMML_MODELS, the directory `place` that it lies in with
    all else of the original's directory. Raises Failed; UsageError for a command that is none.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--eval {command}: {error}") from None
    if not words:
        raise UsageError("--eval needs a command")
    environment = {**os.environ, "SLIMML_MODEL": str(model), "SLIMML_MODELS": str(place)}
    try:
        ended = subprocess.run(
            words, env=environment, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except (FileNotFoundError, PermissionError):
        raise UsageError(f"--eval: {words[0]} is no program that can be run") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"the evaluation took longer than {seconds:.0f} s") from None
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Failed(f"the evaluation ended with exit code {ended.returncode}: {last[:300]}")
    lines = ended.stdout.strip().splitlines()
    try:
        return float(lines[-1].split()[-1])
    except (IndexError, ValueError):
        raise Failed("the last line of the evaluation does not end with a number") from None
