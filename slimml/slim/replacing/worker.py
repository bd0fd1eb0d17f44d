"""The process that shrinks files: jobs on its standard input, results on its standard output, one after the other.

It has a bound on memory and none of its parent's threads; whatever a file does to it, the image is not harmed.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import resource
import struct
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from slimml.slim.replacing.remembered import Result
from slimml.slim.replacing.shrinker import Left, Outcome, Shrinker

LENGTH = struct.Struct("<Q")
_PIECE = 1 << 20


@dataclass(frozen=True)
class Job:
    """Make a file smaller by these shrinkers, one after the other. `target` is where the result is to be."""

    source: Path
    target: Path
    shrinkers: tuple[Shrinker, ...]


def shrink(job: Job) -> Result:
    """Do a job; nothing that a shrinker raises comes out of this."""
    did: dict[str, str] = {}
    left: dict[str, str] = {}
    best, settled = job.source, True
    for number, shrinker in enumerate(job.shrinkers):
        trial = job.target.with_name(f"{job.target.name}.{number}")
        outcome, sure = _attempt(shrinker, best, trial)
        settled = settled and sure
        if isinstance(outcome, Left):
            left[shrinker.rule] = outcome.reason
            with suppress(OSError):
                trial.unlink()
            continue
        did[shrinker.rule] = outcome.did
        if best != job.source:
            best.unlink()
        best = trial
    if not did:
        return Result(did, left, settled=settled)
    best.chmod(0o400)
    best.rename(job.target)
    sums = [hashlib.new(name, usedforsecurity=False) for name in ("sha256", "sha1", "md5")]
    with job.target.open("rb") as file:
        while piece := file.read(_PIECE):
            for one in sums:
                one.update(piece)
    sha256, sha1, md5 = (one.hexdigest() for one in sums)
    return Result(did, left, job.target.stat().st_size, sha256, sha1, md5, settled)


def _attempt(shrinker: Shrinker, source: Path, trial: Path) -> tuple[Outcome, bool]:
    """The outcome, and whether it would be the same another time."""
    _limit(resource.RLIMIT_DATA, shrinker.memory_bytes)
    try:
        outcome = shrinker.shrink(source, trial)
        if isinstance(outcome, Left):
            return outcome, True
        if trial.stat().st_size >= source.stat().st_size:
            return Left("it would not become smaller"), True
    except MemoryError:
        return Left(f"it takes more than {shrinker.memory_bytes >> 20} MiB of memory"), False
    except OSError as error:
        return Left(f"it cannot be worked on: {error.strerror}"), False
    except Exception as error:
        return Left(f"{type(error).__name__}: {str(error)[:200]}"), True
    return outcome, True


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def main() -> None:
    """Work until the standard input ends."""
    jobs, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a shrinker prints must not come between results.
    os.dup2(2, 1)
    _limit(resource.RLIMIT_CORE, 0)
    while (told := receive(jobs)) is not None:
        # Jobs come from this program alone; results, which hostile files have a hand in, go back as plain JSON.
        job = pickle.loads(told)
        send(results, json.dumps(asdict(shrink(job))).encode())


def send(file: IO[bytes], content: bytes) -> None:
    """Write a message that `receive` reads."""
    file.write(LENGTH.pack(len(content)) + content)
    file.flush()


def receive(file: IO[bytes]) -> bytes | None:
    """The next message; None where the stream ended."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    content = file.read(length)
    return content if len(content) == length else None
