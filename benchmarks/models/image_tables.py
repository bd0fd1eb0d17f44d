"""The models of images as a section of the page of models, between two marks; the rest of the page stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = "models-images.json"
BEGIN, END = "<!-- by images.py, from here -->", "<!-- to here -->"
HEAD = """## In images, judged by a probe

What `python benchmarks/models/images.py` found ([figures](models-images.json)). Each image is Debian's Python 3.11,
the packages that the check needs, the wheel, and an application that opens the models and prints the metric. Its one
probe is that command, run in a container before and after; a metric may differ by 1 % (relative) in either direction.
Nothing but models was touched (`--only models`) and all layers are stored alike (`--compression zstd:3`), so what
differs is the models' work; with `--models off` the image is the original. "On disk" are the models that the
application opens, "image" is all layers as stored, with models that it does not open. A model that is kept has its old
content.

| image | tier | on disk | image | metric before → after | judged |
|---|---|---:|---:|---|---|
"""


def write_section(reports: Path) -> None:
    """Put the tables of models-images.json into models.md, in the place of earlier ones or at the end."""
    rows = json.loads((reports / FILE).read_text("utf-8"))
    lines = [line for row in rows for line in _lines(row)]
    notes = [f"- {note}" for row in rows for note in _notes(row)]
    section = "\n".join([BEGIN, "", HEAD + "\n".join(lines), "", *notes, *([""] if notes else []), END])
    path = reports / "models.md"
    page = path.read_text("utf-8")
    before, found, rest = page.partition(BEGIN)
    after = rest.partition(END)[2] if found else ""
    path.write_text(f"{before.rstrip()}\n\n{section}\n{after.lstrip(chr(10))}", "utf-8")


def _lines(row: dict[str, Any]) -> list[str]:
    old = row["before"]
    disk, image = sum(old["bytes"].values()), old["compressed"]
    lines = [_line(row["name"], "original", _size(disk), _size(image), _metrics(old["metric"]), "–")]
    for tier, new in row["tiers"].items():
        if not new["tried"] or not new["done"]:
            told = "left: nothing to gain" if new.get("nothing") else "**refused**, nothing was written"
            lines.append(_line("", tier, "–", "–", "–", told if new["tried"] else "nothing to do"))
            continue
        small = sum(new["bytes"].values())
        both = "; ".join(f"{_number(old['metric'][name])} → {_number(value)}" for name, value in new["metric"].items())
        told = "verified" if not new["kept"] else f"verified after {len(new['kept'])} of {len(new['tried'])} were kept"
        lines.append(
            _line("", tier, f"{_size(small)} ({small / disk:.0%})",
                  f"{_size(new['compressed'])} ({new['compressed'] - image:+,} bytes)", both, told)
        )  # fmt: skip
    return lines


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(row: dict[str, Any]) -> list[str]:
    metrics = "; ".join(row["metrics"].values())
    notes = [f"{row['name']}: {row['package'].replace('==', ' ')}, {row['engine']}; metric: {metrics}."]
    for tier, new in row["tiers"].items():
        notes += [f"{row['name']}, {tier}: {why}" for why in new["why"] if new["tried"] or not new.get("nothing")]
    return notes


def _metrics(found: dict[str, float]) -> str:
    return "; ".join(map(_number, found.values()))


def _number(value: float) -> str:
    return f"{value:.4f}"


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count < 1e7 else f"{count / 1e6:.1f} MB"
