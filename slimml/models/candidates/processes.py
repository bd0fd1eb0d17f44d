"""Jobs given to processes of their own, each with a limit of time; a crash is an answer like any other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SECONDS = 1800.0
"""at most for one job; int4 of a large model takes minutes"""


class Failed(Exception):
    """The job did not end well; the message says why."""


class NotMade(Failed):
    """Nothing went wrong, but there is nothing to do for this file."""


def ask(verb: str, place: Path, *, seconds: float = SECONDS, **given: Any) -> Any:
    """What `child` answers to `verb`, with files in `place`; raises NotMade, Failed."""
    with tempfile.TemporaryDirectory(dir=place, prefix="job-") as own:
        job, result, complaints = Path(own) / "job.json", Path(own) / "result.json", Path(own) / "stderr"
        job.write_text(json.dumps({"verb": verb, **given}), "utf-8")
        with complaints.open("wb") as stream:
            _run([sys.executable, "-m", "slimml.models.candidates.child", str(job), str(result)], stream, seconds)
        try:
            answer = json.loads(result.read_text("utf-8"))
        except (OSError, ValueError):
            raise Failed(f"the process ended without an answer: {_last_line(complaints)}") from None
    if "unsuitable" in answer:
        raise NotMade(answer["unsuitable"])
    if "failed" in answer:
        raise Failed(answer["failed"])
    return answer["done"]


def _run(words: list[str], stderr: Any, seconds: float) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    # The checkout or the wheel that this process runs, whatever the directory it was started in.
    root = str(Path(__file__).resolve().parents[3])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH", ""))))
    child = subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
    )
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"took longer than {seconds:.0f} s") from None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if child.returncode:
        how = f"signal {-child.returncode}" if child.returncode < 0 else f"exit code {child.returncode}"
        raise Failed(f"the process died with {how}: {_last_line(Path(stderr.name))}")


def _last_line(path: Path) -> str:
    text = path.read_bytes()[-4096:].decode("utf-8", "replace").strip()
    return text.splitlines()[-1][:300] if text else "it said nothing"
