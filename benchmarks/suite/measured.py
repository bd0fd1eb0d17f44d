"""The measurements in a file of results, and what they are called."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slimml.bench.host_facts import Load
from slimml.bench.results import ImageFacts, Measure, Measurement, read_records
from slimml.bench.statistics import Estimate
from slimml.engine.container import EngineFacts

LINK_NAMES = {
    "loopback": "loopback",
    "1gbit": "1 Gbit/s",
    "100mbit": "100 Mbit/s",
    "100mbit/each": "100 Mbit/s per connection",
    "200mbit+20ms": "200 Mbit/s, 20 ms away",
}


def read(path: Path) -> list[Measurement]:
    """The measurements in a file of results; [] where there is none."""
    return in_one_order([measurement_of(record) for record in read_records(path)]) if path.exists() else []


def read_with_run(path: Path) -> tuple[list[Measurement], list[dict[str, Any]]]:
    """The measurements, and the records that they come from."""
    records = list(read_records(path))
    return in_one_order([measurement_of(record) for record in records]), records


def in_one_order(known: Sequence[Measurement]) -> list[Measurement]:
    """The same with one position for each tag: a run of fewer tags has numbered them otherwise."""
    last: dict[str, int] = {}
    for one in known:
        last[tag_of(one)] = max(one.image.position, last.get(tag_of(one), 0))
    order = {tag: position for position, tag in enumerate(sorted(last, key=last.__getitem__))}
    return [replace(one, image=replace(one.image, position=order[tag_of(one)])) for one in known]


def measurement_of(record: dict[str, Any]) -> Measurement:
    """A record as the value that it was written from."""
    loads = {key: Load(**record[key]) if record[key] else None for key in ("load_before", "load_after")}
    return Measurement(
        measure=Measure(record["measure"]),
        image=ImageFacts(**record["image"]),
        phases=record["phases"],
        counters=record["counters"],
        engine=EngineFacts(**record["engine"]) if record["engine"] else None,
        link=record["link"],
        page_cache=record["page_cache"],
        round=record["round"],
        warm_up=record["warm_up"],
        failure=record.get("failure"),
        remarks=tuple(record["remarks"]),
        **loads,
    )


def name_of(one: Measurement) -> str:
    """`onnx-api` of slimml-bench/onnx-api:latest."""
    return one.image.reference.rpartition("/")[2].partition(":")[0]


def tag_of(one: Measurement) -> str:
    """`latest` of slimml-bench/onnx-api:latest."""
    return one.image.reference.rpartition(":")[2]


def by_setting(known: Sequence[Measurement], name: str) -> dict[Any, list[Measurement]]:
    """The measurements of an image that count, by what was measured how."""
    found: dict[Any, list[Measurement]] = {}
    for one in known:
        if name_of(one) == name and not one.warm_up:
            found.setdefault(one.setting, []).append(one)
    return found


def line(one: Measurement) -> str:
    """A measurement for whoever watches."""
    setting = " ".join(filter(None, (one.measure.value, one.link, one.page_cache)))
    which = "warm-up" if one.warm_up else f"round {one.round}"
    return f"{one.image.reference} {setting} {which}: {one.failure or f'{one.seconds:.3f} s'}"


def interval(of: Estimate) -> str:
    """Its ends; nothing for a single round, of which there is no interval."""
    return f" ({of.low:.2f}–{of.high:.2f})" if of.rounds > 1 else ""
