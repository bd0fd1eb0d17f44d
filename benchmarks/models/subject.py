"""What is measured: a model of a wheel, its real inputs, and a check of its own that tells right answers from wrong."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slimml.models.candidates.processes import Failed
from slimml.models.candidates.recipe import EXTERNAL, OPTIMISED
from slimml.models.model_file import Format


@dataclass(frozen=True)
class Subject:
    """One model file. `metric` says what `evaluate` tells of a file in its place, of which more is better;
    `samples` are files of real inputs, `given` sabotaged forms, by name, that a guard has to refuse, `asked` the
    recipes that are made beside the usual ones.
    """

    package: str
    path: Path
    format: Format
    metric: str
    evaluate: Callable[[Path], float]
    samples: tuple[Path, ...] = ()
    rounds: int = 3
    asked: frozenset[str] = frozenset({EXTERNAL, OPTIMISED})
    given: Mapping[str, Path] = field(default_factory=dict)


def unpacked(package: str, work: Path) -> Path:
    """The directory of a wheel's files, fetched by pip unless it is there; `package` is name==version."""
    wheels, place = work / "wheels", work / "unpacked" / package
    name = package.partition("==")[0].lower().replace("-", "_")
    if not place.is_dir():
        found = [path for path in wheels.glob("*.whl") if path.name.lower().startswith(f"{name}-")]
        if not found:
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels), package], check=True
            )
            found = [path for path in wheels.glob("*.whl") if path.name.lower().startswith(f"{name}-")]
        with zipfile.ZipFile(found[0]) as archive:
            archive.extractall(place)
    return place


def write_samples(place: Path, feeds: list[dict[str, np.ndarray[Any, Any]]]) -> tuple[Path, ...]:
    """One .npz file for each feed."""
    place.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, feed in enumerate(feeds):
        paths.append(place / f"{number:04}.npz")
        np.savez(paths[-1], **feed)
    return tuple(paths)


def session(path: Path) -> Any:
    """An onnxruntime session of one thread; raises Failed."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Failed(str(error).splitlines()[0]) from None
