#!/usr/bin/env python3
"""One night: images built or taken, analysed, made small, measured before and after, kept, drawn, and judged.

    python benchmarks/nightly/run.py [--profile smoke|quick|full] [--runtime auto] [--output reports/nightly]

Without Docker it measures the images that it can build from this machine's Python, in runc, crun, or as processes. A
night's results are added to the history when all of an image are there; charts, pages and the summary replace those of
the night before at the end, each whole or not at all. Of two nights in one checkout the second waits for the first.

Ends with 0; with 13 when a figure that gates became worse for good within the last nights; with 1 when something could
not be measured. The word of it (`passed`, `regressed`, `failed`) is in build/nightly/outcome.
"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from night_report import write_report
from one_image import Night, measure_subject
from side_by_side import engine_here
from subjects import PROFILES, Profile, subjects_of

from slimml.bench.host_facts import host_facts
from slimml.errors import SlimmlError
from slimml.history import store
from slimml.history.host_class import host_class
from slimml.oci.transfer import Access

ROOT = Path(__file__).resolve().parents[2]
PASSED, FAILED, REGRESSED = 0, 1, 13
WORDS = {PASSED: "passed", FAILED: "failed", REGRESSED: "regressed"}


def main() -> int:
    """A whole night; the exit code."""
    said = parse()
    build = ROOT / "build/nightly"
    build.mkdir(parents=True, exist_ok=True)
    with alone(build / "lock"):
        (build / "outcome").unlink(missing_ok=True)
        # Nobody else works here now: what is left was killed.
        for left in build.glob("work-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="work-", dir=build, ignore_cleanup_errors=True) as work:
            code = one_night(said, Path(work))
        (build / "outcome").write_text(f"{WORDS[code]}\n", "ascii")
    return code


def one_night(said: argparse.Namespace, work: Path) -> int:
    """Measure the images of the profile one after the other, then tell; the exit code."""
    profile = PROFILES[said.profile]
    night = begin(said, profile, work)
    failures = measure_all(profile, night, said.output / "history")
    try:
        changes = write_report(said.output, work, night, failures)
    except (SlimmlError, OSError) as error:
        print(f"run.py: {said.output}: {error}; the report of the night before is as it was", file=sys.stderr)
        return FAILED
    return FAILED if failures else REGRESSED if changes else PASSED


def begin(said: argparse.Namespace, profile: Profile, work: Path) -> Night:
    """What all images of this night have in common."""
    access = Access(engine=said.engine_socket)
    return Night(
        work=work,
        commit=commit_of(ROOT),
        began=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        host=host_class(asdict(host_facts())),
        runtime=said.runtime,
        access=access,
        engine=engine_here(said.runtime, access),
        effort=profile.effort,
    )


def measure_all(profile: Profile, night: Night, history: Path) -> list[str]:
    """Measure every image and keep its results; what went wrong, in words. One that fails does not end the night."""
    failures = []
    for name, made_ready in subjects_of(profile, night.engine, night.access, night.work).items():
        try:
            store.append(history, *measure_subject(made_ready(), night))
        except (SlimmlError, OSError, subprocess.CalledProcessError) as error:
            print(f"run.py: {name}: {error}", file=sys.stderr)
            failures.append(f"{name}: {error}")
    return failures


def commit_of(checkout: Path) -> str:
    """The commit that is measured, "" where git does not tell."""
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Wait until no other night runs in this checkout; the kernel frees the lock of one that was killed."""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another night runs in this checkout; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def parse() -> argparse.Namespace:
    """The words of the command line; NIGHTLY_PROFILE and NIGHTLY_OUTPUT stand in for two of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    profile = os.environ.get("NIGHTLY_PROFILE") or "quick"
    output = Path(os.environ.get("NIGHTLY_OUTPUT") or ROOT / "reports/nightly")
    parser.add_argument("--profile", choices=PROFILES, default=profile, help="%(default)s unless said")
    parser.add_argument("--runtime", default="auto", help="auto, docker, podman, runc, crun or host (default: auto)")
    parser.add_argument("--engine-socket", help="the engine's address, unix:///…; DOCKER_HOST or the usual one")
    parser.add_argument("--output", type=Path, default=output, help="history, charts and pages (%(default)s)")
    said = parser.parse_args()
    if said.profile not in PROFILES:
        parser.error(f"NIGHTLY_PROFILE={said.profile}: there are {', '.join(PROFILES)}")
    said.output = said.output.absolute()
    return said


if __name__ == "__main__":
    sys.exit(main())
