"""The commit that is being measured: as the CI tells it, or as git does where we are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")
"""of GitHub, GitLab and Jenkins"""
_SECONDS = 10


def current_commit(directory: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The commit's hash, "" where neither a variable nor git tells it."""
    told = next((environment[name] for name in VARIABLES if environment.get(name)), None)
    if told is not None:
        return told
    command = ["git", "-C", str(directory), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""
