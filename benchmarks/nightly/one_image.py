"""One image of a night: analysed, made small, and measured beside what became of it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from side_by_side import Effort, measure_images
from subjects import Subject

from slimml.engine.container import Engine
from slimml.errors import SlimmlError
from slimml.history.documents import Keys, results_of
from slimml.history.result import Result
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image
from slimml.probes.read import read_suite

SUITE = "nightly-1"
"""raised when what is asked of the images changes, so that figures before and after are not compared"""
SLIM = "slim"
LEVEL = "likely"


@dataclass(frozen=True)
class Night:
    """What all images of a night have in common. `work` is a directory of its own; `commit` the checkout's, `began`
    RFC 3339 in UTC, `host` the class of this machine.
    """

    work: Path
    commit: str
    began: str
    host: str
    runtime: str
    access: Access
    engine: Engine | None
    effort: Effort


def measure_subject(subject: Subject, night: Night) -> list[Result]:
    """The results of an image and of the one that was made of it (`NAME` and `NAME, slim`); the pages of both commands
    are in the night's directory. Raises SlimmlError for a command that failed, and what measuring raises.
    """
    work = night.work / f"{subject.name}-made"
    work.mkdir()
    slim = f"oci:{work / 'image'}:{SLIM}"
    names = (subject.name, f"{subject.name}, {SLIM}")
    page = work / f"{subject.name}.html"
    analysis = _slimml(night, "analyze", subject.reference)
    probes = os.path.relpath(subject.probes, night.work)
    proof = ["--probes", probes, "--runtime", night.runtime] if night.engine else ["--no-verify"]
    words = [subject.reference, "-o", slim, "--level", LEVEL, "--yes", "--html", str(page), *proof]
    optimized = _slimml(night, "optimize", *words)
    results = [
        *results_of(analysis, _keys(night, names[0])),
        *results_of(optimized, _keys(night, names[1])),
    ]
    images = [
        (name, open_image(parse_reference(words), night.access))
        for name, words in zip(names, (subject.reference, slim), strict=True)
    ]
    suite = read_suite(subject.probes)
    measured = measure_images(images, suite, night.engine, night.access, night.effort, work / "roots")
    if measured.failures:
        raise SlimmlError("; ".join(measured.failures))
    for image in measured.images:
        results += results_of(measured.document(image), _keys(night, image.reference))
    return results


def _keys(night: Night, name: str) -> Keys:
    return Keys(commit=night.commit, suite=SUITE, began=night.began, here=night.host, names=(name,))


def _slimml(night: Night, *words: str) -> dict[str, Any]:
    """The document that a command prints; images in the night's directory are named from there, for pages name them."""
    engine = ["--engine", night.access.engine] if night.access.engine else []
    named = [word.replace(f"oci:{night.work}/", "oci:") for word in words]
    command: Sequence[str] = [sys.executable, "-m", "slimml", *named, *engine, "--json", "--quiet"]
    print(f"slimml {' '.join(named)}", file=sys.stderr)
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=night.work)
    if ended.returncode:
        raise SlimmlError(f"slimml {words[0]} {words[1]} ended with {ended.returncode}")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found
