"""The figures of the models as a page with tables, and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slimml.models.candidates.candidate import ORIGINAL
from slimml.report.shrunk import ModelRows, Row
from slimml.report.shrunk_picture import draw_shrunk

BY_HAND = "<!-- what follows is no work of run.py and weights.py -->"
HEAD = """# Smaller models that are still right

What `python benchmarks/models/run.py` found on one machine, {cpu} ({flags}). Seconds are processor time of one thread;
ratios are medians of rounds in which original and candidate took turns. The machine was shared with much other work:
trust the ratios, and of loads of a few milliseconds not even those. "On disk" and "compressed" (zstd -9) are apart
because a layer is compressed anyway: what is pulled is the second.

*by check* is whether the metric stayed within 1 % (relative) of the original's, *by samples* whether the answers to
the same inputs, without their labels, agreed. **Bold** is what `--tier quantize` takes for `--objective size`.
`sabotage:` forms are made wrong on purpose and given to the guard; `int8-dynamic-everything` is the usual call of the
quantizer, never made by slimml itself.

![compressed bytes against the time of a run](models.svg)
"""


def write_page(report: dict[str, Any], path: Path) -> None:
    """The page, a table for each model after one for all; what stands in it from BY_HAND on stays."""
    known = path.read_text("utf-8") if path.exists() else ""
    host = report["host"]
    parts = [HEAD.format(cpu=host["cpu"], flags=", ".join(host["flags"])), _overview(report["models"])]
    parts += [_model(model) for model in report["models"]]
    parts += [part(report[name]) for name, part in _MORE.items() if report.get(name)]
    own = known.find(BY_HAND)
    path.write_text("\n".join([*parts, *([known[own:]] if own >= 0 else [])]), "utf-8")


def _overview(models: list[dict[str, Any]]) -> str:
    lines = [
        "## What each tier takes\n",
        "| model | original | lossless | compact | quantize | metric before → after |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for model in models:
        rows = {row["name"]: row for row in model["candidates"]}
        first = rows[ORIGINAL]
        cells = [f"`{model['path']}` of {model['package'].partition('==')[0]}", _size(first["bytes"])]
        for tier in ("lossless", "compact", "quantize"):
            row = rows[model["taken"][tier]]
            cells.append("–" if row is first else f"{row['name']} {_size(row['bytes'])} "
                         f"({row['bytes'] / first['bytes']:.0%})")  # fmt: skip
        last = rows[model["taken"]["quantize"]]
        cells.append(f"{_number(first['metric'])} → {_number(last['metric'])}: {model['metric']}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _model(model: dict[str, Any]) -> str:
    taken = model["taken"]["quantize"]
    lines = [
        f"## {model['package'].partition('==')[0]}: {model['path']}\n",
        f"Of {model['package'].replace('==', ' ')}; metric: {model['metric']}; {model['samples']} samples. Taken for "
        f"startup: {model['objectives']['startup']}, for latency: {model['objectives']['latency']}.\n",
        "| form | tier | on disk | compressed | load | run | memory | metric | agree | cosine | by check | by samples "
        "|",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    notes = []
    for row in model["candidates"]:
        name = f"**{row['name']}**" if row["name"] == taken else row["name"]
        if row["failed"]:
            notes.append(f"- {row['name']}: {'not made' if row['unsuitable'] else 'candidate failed'}: {row['failed']}")
            continue
        cells = [
            name,
            row["tier"],
            _size(row["bytes"]),
            _size(row["compressed"]),
            _seconds(row["load"], row["load_ratio"]),
            _seconds(row["latency"], row["latency_ratio"]),
            _size(row["peak"]),
            _number(row["metric"]),
            "–" if row["agreement"] is None else f"{row['agreement']:.1%}",
            "–" if row["cosine"] is None else f"{row['cosine']:.4f}",
            _judged(row["passed"]),
            _judged(row["passed_by_samples"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
        if False in (row["passed"], row["passed_by_samples"]):
            why = [row["why"]] if row["passed"] is False else []
            why += [row["why_by_samples"]] if row["passed_by_samples"] is False else []
            notes.append(f"- {row['name']}: refused: {'; '.join(dict.fromkeys(why))}")
    return "\n".join([*lines, "", *notes, ""])


def _levels(rows: list[dict[str, Any]]) -> str:
    lines = [
        "## A higher level of zstd for a layer of weights\n",
        "| file | level | bytes | of the file | processor time |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines += [
            f"| `{row['path']}` | {one['level']} | {_size(one['compressed'])} | {one['compressed'] / row['bytes']:.1%} "
            f"| {one['seconds']:.1f} s |"
            for one in row["levels"]
        ]
    return "\n".join(lines) + "\n"


def _formats(rows: list[dict[str, Any]]) -> str:
    lines = [
        "## Formats that nobody opens\n",
        "Bytes of all model files of a package, and of those that an application opens that was traced while it loaded "
        "the model. slimml drops the others only with a recording of the application (`optimize --recording`).\n",
        "| package | models | bytes | opened | bytes |",
        "|---|---:|---:|---|---:|",
    ]
    lines += [
        f"| {row['package']} | {row['models']} | {_size(row['bytes'])} | {', '.join(f'`{o}`' for o in row['opened'])} "
        f"| {_size(row['opened_bytes'])} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _shards(rows: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"## Shards of safetensors\n\n{row['shards']} shards, {_size(row['bytes'])} of fp32 cast to bfloat16: "
        f"{row['seconds']:.1f} s of processor time, at most {_size(row['peak'])} of memory.\n"
        for row in rows
    )


_MORE = {"levels": _levels, "formats": _formats, "shards": _shards}


def draw(report: dict[str, Any], path: Path) -> None:
    """The picture of every model that was timed."""
    draw_shrunk([_rows(model) for model in report["models"]], path)


def _rows(model: dict[str, Any]) -> ModelRows:
    taken = model["taken"]["quantize"]
    rows = []
    for row in model["candidates"]:
        if row["failed"] or row["name"].startswith("sabotage"):
            continue
        right = False not in (row["passed"],)
        rows.append(
            Row(row["name"], row["tier"], row["did"], "right" if right else "refused", row["why"], row["bytes"],
                row["compressed"], row["load"], row["load_ratio"], row["latency"], row["latency_ratio"], row["peak"],
                row["agreement"], row["cosine"], row["metric"], right, row["name"] == taken)
        )  # fmt: skip
    return ModelRows(f"{model['package'].partition('==')[0]}: {model['path']}", model["format"], taken, tuple(rows))


def _judged(passed: bool | None) -> str:
    return "–" if passed is None else "right" if passed else "**refused**"


def _size(count: float | None) -> str:
    if count is None:
        return "–"
    return f"{count / 1e6:.2f} MB" if count < 1e7 else f"{count / 1e6:.1f} MB"


def _seconds(seconds: float | None, ratio: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds * 1000:.1f} ms" + ("" if ratio is None or ratio == 1 else f" (×{ratio:.2f})")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
