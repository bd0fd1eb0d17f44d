"""One result as it is kept: what was measured of an image, when, at which commit, on what kind of host."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import msgspec

from slimml.errors import UsageError

NO_ENGINE = "none"
"""the engine of results that needed none"""

_HOST = re.compile(r"[a-z0-9][a-z0-9._+-]{0,99}")
_BEGAN = re.compile(r"\d{4}-(0[1-9]|1[0-2])-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")


class Estimate(msgspec.Struct, frozen=True, array_like=True):
    """A median of `rounds` values with the ends of its 95 % interval, in the unit of its metric."""

    value: float
    low: float
    high: float
    rounds: int


Value = int | float | Estimate
"""Plain numbers are exact (bytes, counts) or the median of rounds whose interval nobody took."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one document says of one image. It is written as one JSON line, described by the schema `history`.

    `id` is the same for the same document about the same image, so that nothing counts twice. `began` is RFC 3339 in
    UTC. `image` is the name under which results of many builds make one series; `digest` is None where there is none.
    `commit` is "" where it is not known. `host` is a class of machines (`history.host_class`), `engine` one of engines,
    `suite` the version of what was asked. `metrics` have the names that `history.metrics` explains. `facts` tell of
    what could change without a commit: kernel, system, the engine's whole version. `noise` says why to distrust times.
    """

    id: str
    began: str
    image: str
    digest: str | None
    commit: str
    host: str
    engine: str
    suite: str
    source: str
    slimml: str
    metrics: dict[str, Value]
    facts: dict[str, str] = msgspec.field(default_factory=dict)
    noise: tuple[str, ...] = ()
    schema: Literal["slimml.history/1"] = "slimml.history/1"

    @property
    def month(self) -> str:
        """The year and month in which it was measured: `2026-11`."""
        return self.began[:7]


def check(result: Result) -> None:
    """Raises UsageError for a result that cannot be filed: its host class or its time is written in another way."""
    if not _HOST.fullmatch(result.host):
        raise UsageError(
            f"host class {result.host!r}: it should be lower-case letters, digits and . _ + - (at most 100)"
        )
    try:
        known = _BEGAN.fullmatch(result.began) and datetime.fromisoformat(result.began)
    except ValueError:
        known = None
    if not known:
        raise UsageError(f"{result.began!r} is no time such as 2026-11-23T04:00:00Z")


def middle(value: Value) -> float:
    """The number itself, or the median of rounds."""
    return value.value if isinstance(value, Estimate) else value
