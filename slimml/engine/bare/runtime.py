"""runc and crun: where they are, and how they are called."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from slimml.errors import SlimmlError, Unavailable

_UNIFIED_BESIDE = Path("/sys/fs/cgroup/unified")
_NOT_THERE = re.compile(r"executable file .?not found|no such file or directory|executable file `", re.IGNORECASE)
_NOT_ALLOWED = re.compile(r"permission denied|exec format error|is a directory", re.IGNORECASE)


@dataclass(frozen=True)
class Runtime:
    """A runtime program at `path`; `groups` says whether it may make control groups."""

    name: str
    path: str
    version: str
    groups: bool

    def command(self, state: Path, log: Path, *words: str) -> list[str]:
        """Its command line; `state` is the directory that it keeps its containers in."""
        more = ["--cgroup-manager=disabled"] if self.name == "crun" and not self.groups else []
        return [self.path, "--root", str(state), "--log", str(log), "--log-format", "json", *more, *words]

    @property
    def hides(self) -> tuple[str, ...]:
        """Directories that it must not see: crun refuses version 2 control groups mounted beside version 1."""
        return (str(_UNIFIED_BESIDE),) if self.name == "crun" and _UNIFIED_BESIDE.is_dir() else ()


def find_runtime(name: str, *, groups: bool) -> Runtime:
    """The runtime `name` (runc or crun) as installed here; raises Unavailable."""
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"{name} is not installed; install the package {name}, or name another --runtime")
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"{path} does not run here: {error}") from None
    first = told.stdout.partition("\n")[0]
    return Runtime(name, path, first.rpartition(" ")[2], groups)


def failure(log: Path, what: str) -> SlimmlError:
    """The error that the runtime wrote into its log, in one line."""
    return SlimmlError(f"{what}: {last_error(log)}")


def last_error(log: Path) -> str:
    """The last error in a runtime's log, "" for none."""
    try:
        lines = log.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            return line.strip()
        if entry.get("level") in ("error", "fatal"):
            return str(entry.get("msg", "")).replace("\n", " ").strip()
    return ""


def exec_code(message: str) -> int:
    """The exit code that a shell would give for what kept a program from running: 127 not found, 126 the rest."""
    if _NOT_ALLOWED.search(message):
        return 126
    return 127 if _NOT_THERE.search(message) else 126
