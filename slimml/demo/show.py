"""The demo from beginning to end: build, analyse, optimize, run both, compare, and the table."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from slimml.demo.answers import QUESTIONS, Answer, NotRun, ask
from slimml.errors import Refused, SlimmlError, Unsupported
from slimml.oci import transfer
from slimml.oci.reference import Reference, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slimml.oci.image import Image


@dataclass(frozen=True)
class Outcome:
    """What one image turned out to be; sizes in bytes, `root_bytes` is the file system that a container sees."""

    name: str
    compressed_bytes: int
    layers: int
    root_bytes: int
    root_files: int
    answers: tuple[Answer, ...] | NotRun


def show(directory: Path | None, *, level: str, out: IO[str]) -> int:
    """See `slimml.demo.run`."""
    if sys.platform != "linux":
        raise Unsupported("the demo runs programs out of Linux images; run it on Linux, or in a Linux container")
    with _place(directory) as place:
        before = Reference(Transport.LAYOUT, path=str(place / "image"), tag="demo")
        after = Reference(Transport.LAYOUT, path=str(place / "image"), tag="demo-slim")
        with tempfile.TemporaryDirectory(dir=place) as temporary:
            work = Path(temporary)
            _say(out, "Building an image of this Python, as a hurried Dockerfile would …")
            from slimml.demo.build import build_image

            build_image(before, work)
            _command(place, work, ["analyze", "oci:image:demo"], out)
            _command(place, work, ["optimize", "oci:image:demo", "--level", level, "--yes"], out)
            _say(out, "\nRunning the application out of both root file systems …")
            outcomes = [_outcome(reference, work) for reference in (before, after)]
        return _conclude(outcomes, out)


@contextmanager
def _place(directory: Path | None) -> Iterator[Path]:
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="slimml-demo-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
        return
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Refused(f"{directory} is in use; name a directory that is empty or not there yet")
    directory.mkdir(parents=True, exist_ok=True)
    yield directory.resolve()


def _say(out: IO[str], text: str) -> None:
    out.write(f"{text}\n")
    out.flush()


def _command(place: Path, work: Path, words: list[str], out: IO[str]) -> None:
    """Run slimml as a user would, in the directory of the image; what it says is what the user reads."""
    _say(out, f"\n$ slimml {' '.join(words)}")
    environment = dict(os.environ, XDG_CACHE_HOME=str(work / "cache"), PYTHONSAFEPATH="1")
    ended = subprocess.run(
        [sys.executable, "-m", "slimml", *words], cwd=place, env=environment, stdout=out, check=False
    )
    if ended.returncode:
        raise SlimmlError(f"slimml {words[0]} ended with {ended.returncode}, so that the demo cannot go on")


def _outcome(reference: Reference, work: Path) -> Outcome:
    from slimml.engine.bare.unpack import unpack_image

    image: Image = transfer.open_image(reference)
    assert reference.tag
    root = work / reference.tag
    root.mkdir(mode=0o755)
    unpack_image(image, root)
    files, size = _measure(root)
    return Outcome(reference.tag, image.compressed_bytes, len(image.layers), size, files, ask(root, image.config))


def _measure(root: Path) -> tuple[int, int]:
    """Files below `root` and their bytes, each inode once."""
    seen: dict[int, int] = {}
    for parent, _, names in os.walk(root):
        for name in names:
            state = os.lstat(os.path.join(parent, name))
            seen[state.st_ino] = state.st_size
    return len(seen), sum(seen.values())


def _conclude(outcomes: list[Outcome], out: IO[str]) -> int:
    """The table and the verdict; the exit code."""
    from slimml.demo.table import print_table

    before, after = outcomes
    print_table(before, after, out)
    reasons = [found.answers.reason for found in outcomes if isinstance(found.answers, NotRun)]
    if reasons:
        _say(out, f"not run: {reasons[0]}. Whether the small image works is unverified.")
        return 0
    assert not isinstance(before.answers, NotRun)
    assert not isinstance(after.answers, NotRun)
    for question, answer in zip(QUESTIONS, before.answers, strict=True):
        if answer.status != question.status:
            raise SlimmlError(f"the demo's own application fails here: {question}: {answer.status} {answer.body}")
    different = [
        f"{question}: {was.status} {was.body} -> {now.status} {now.body}"
        for question, was, now in zip(QUESTIONS, before.answers, after.answers, strict=True)
        if was != now
    ]
    for line in different:
        _say(out, f"DIFFERENT {line}")
    if different:
        return 1
    _say(out, f"Both answered the same {len(QUESTIONS)} questions in the same words.")
    return 0
