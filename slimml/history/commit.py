"""Commits: the one that is being measured, as CI or git tell it, and those between two that were."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")
"""of GitHub, GitLab and Jenkins"""
_SECONDS = 10
_HASH = re.compile(r"[0-9a-f]{7,64}")


def current_commit(directory: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The commit's hash, "" where neither a variable nor git tells it."""
    told = next((environment[name] for name in VARIABLES if environment.get(name)), None)
    if told is not None:
        return told
    return _git(directory, "rev-parse", "--verify", "--quiet", "HEAD").strip()


def subjects_between(directory: Path, old: str, new: str) -> list[str]:
    """What was committed after `old` up to `new`, the newest first: short hashes and subjects.

    [] where there is no git, it does not know the commits, or one of them is not a hash.
    """
    if not (_HASH.fullmatch(old) and _HASH.fullmatch(new)):
        return []
    return _git(directory, "log", "--format=%h %s", "--max-count=100", f"{old}..{new}", "--").splitlines()


def _git(directory: Path, *words: str) -> str:
    """What git prints, "" where it fails."""
    command = ["git", "-C", str(directory), *words]
    try:
        said = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout if said.returncode == 0 else ""
