"""Results as they are kept: one JSON line for each measurement, complete in itself, described by a published schema."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.errors import AccessDenied, InvalidImage, NotFound

if TYPE_CHECKING:
    from slimml.bench.host_facts import HostFacts, Load
    from slimml.engine.container import EngineFacts

SCHEMA = "slimml.bench-record/1"
"""the number is raised when a member is taken away or changes its meaning; new members do not raise it"""


class Measure(StrEnum):
    """What a record is of."""

    SIZE = "size"
    PULL = "pull"
    START = "start"
    PYTHON = "python"
    """a start again, watched from within: what the interpreter, the imports and the program itself take of it"""
    GPU = "gpu"
    """a start on a GPU, watched by the driver's counters"""


@dataclass(frozen=True)
class ImageFacts:
    """Which image: as the user named it, and the digest of its manifest; of a directory of this machine the path, and
    no digest. `position` is its place on the command line, from 0; the first one is what the others are compared with.
    """

    reference: str
    digest: str | None
    position: int = 0


@dataclass(frozen=True)
class Run:
    """What all records of one call of slimml have in common. `id` is random, `began` RFC 3339 in UTC.

    `origin` says where the probes came from that start is measured with, None when it was not.
    """

    id: str
    began: str
    slimml: str
    host: HostFacts
    origin: str | None = None


@dataclass(frozen=True)
class Measurement:
    """One measurement. `phases` are seconds by name, in the order in which they happened; `counters` other numbers
    (bytes, requests), None where nobody counted. What was varied stands in `link` and `page_cache`.

    `round` counts from 0; neither a `warm_up` nor a measurement with a `failure` (what went wrong, in words) enters any
    figure. `remarks` say what else is to be known.
    """

    measure: Measure
    image: ImageFacts
    phases: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, int | float | None] = field(default_factory=dict)
    engine: EngineFacts | None = None
    link: str | None = None
    page_cache: str | None = None
    round: int = 0
    warm_up: bool = False
    load_before: Load | None = None
    load_after: Load | None = None
    failure: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """All phases together."""
        return sum(self.phases.values())

    @property
    def setting(self) -> tuple[Measure, str | None, str | None]:
        """What has to be equal for two measurements to be comparable."""
        return self.measure, self.link, self.page_cache


def record(run: Run, measured: Measurement) -> dict[str, Any]:
    """The JSON object of a measurement."""
    return {"schema": SCHEMA, "run": _plain(run), **_plain(measured)}


def _plain(value: Any) -> Any:
    # dataclasses.asdict copies, which read-only mappings do not let happen.
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def append_records(path: Path, run: Run, measured: Iterable[Measurement]) -> None:
    """Add lines to `path`, which is made where it is missing; a line appears whole. Raises AccessDenied."""
    try:
        with path.open("ab", buffering=0) as file:
            for one in measured:
                file.write(json.dumps(record(run, one), separators=(",", ":")).encode() + b"\n")
            os.fsync(file.fileno())
    except OSError as error:
        raise AccessDenied(f"{path} cannot be written: {error.strerror}") from None


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The records in `path`, as objects; raises NotFound, and InvalidImage for a line that is none."""
    try:
        file = path.open(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    with file:
        for number, line in enumerate(file, 1):
            try:
                found = json.loads(line)
                known = found["schema"] == SCHEMA
            except (ValueError, TypeError, KeyError):
                known = False
            if not known:
                raise InvalidImage(f"{path}, line {number}: this is no {SCHEMA}")
            yield found
