"""Users inside a user namespace: one, or a range that /etc/subuid grants (user_namespaces(7), subuid(5))."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slimml.errors import Unavailable


@dataclass(frozen=True)
class SubIds:
    """Ranges of user and group IDs granted to this user, (first, count) each; they become 1, 2, … inside."""

    users: tuple[int, int]
    groups: tuple[int, int]


def granted_ids(directory: Path = Path("/etc")) -> SubIds | None:
    """What subuid and subgid of `directory` grant to this user; None where nothing or newuidmap(1) is missing."""
    if shutil.which("newuidmap") is None or shutil.which("newgidmap") is None:
        return None
    users, groups = _granted(directory / "subuid"), _granted(directory / "subgid")
    return SubIds(users, groups) if users and groups else None


def _granted(path: Path) -> tuple[int, int] | None:
    names = {str(os.getuid())}
    with suppress(KeyError):
        names.add(pwd.getpwuid(os.getuid()).pw_name)
    with suppress(OSError, ValueError):
        for line in path.read_text("utf-8", errors="replace").splitlines():
            name, _, numbers = line.partition(":")
            if name in names:
                first, _, count = numbers.partition(":")
                return int(first), int(count)
    return None


def map_ids(pid: int, ids: SubIds) -> None:
    """Give the user namespace of `pid` its users: root is us, the granted ranges follow; raises Unavailable."""
    for program, own, (first, count) in (
        ("newuidmap", os.getuid(), ids.users),
        ("newgidmap", os.getgid(), ids.groups),
    ):
        words = [program, pid, 0, own, 1, 1, first, count]
        ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise Unavailable(f"{program} failed: {ended.stderr.strip() or ended.returncode}; check /etc/sub[ug]id")
