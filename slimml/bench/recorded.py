"""Measurements read back from the lines that `--output` kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from slimml.bench.host_facts import HostFacts, Load
from slimml.bench.results import ImageFacts, Measure, Measurement, Run, read_records
from slimml.engine.container import EngineFacts
from slimml.errors import InvalidImage, NotFound


class _Run(msgspec.Struct):
    id: str
    began: str
    slimml: str
    host: HostFacts
    origin: str | None = None


class _Record(msgspec.Struct):
    """A line; members that a later slimml may have added are passed over."""

    run: _Run
    measure: Measure
    image: ImageFacts
    phases: dict[str, float]
    counters: dict[str, int | float | None]
    engine: EngineFacts | None = None
    link: str | None = None
    page_cache: str | None = None
    round: int = 0
    warm_up: bool = False
    load_before: Load | None = None
    load_after: Load | None = None
    failure: str | None = None
    remarks: tuple[str, ...] = ()


def last_run(path: Path) -> tuple[Run, list[Measurement]]:
    """The last run in a file of records, with its measurements in their order.

    Raises NotFound for a file that is not there or is empty, InvalidImage for a line that is no record.
    """
    try:
        records = [msgspec.convert(record, _Record) for record in read_records(path)]
    except msgspec.ValidationError as error:
        raise InvalidImage(f"{path} holds a record that contradicts its schema: {error}") from None
    if not records:
        raise NotFound(f"{path} holds no measurement")
    last = records[-1].run
    return Run(**_members(last)), [Measurement(**_members(it)) for it in records if it.run.id == last.id]


def engine_of(measured: list[Measurement]) -> EngineFacts | None:
    """The engine that took part, None where none did."""
    return next((one.engine for one in measured if one.engine is not None), None)


def _members(kept: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in kept.__struct_fields__ if name != "run"}
