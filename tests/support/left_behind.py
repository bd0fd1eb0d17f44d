"""What a run of the bare engine may leave on this machine: files, mounts, processes, control groups."""

import contextlib
import os
import select
from pathlib import Path

WAIT = 60


def processes_of(place):
    """Processes that have something of the directory `place` mounted."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if f"{place}/".encode() in Path(f"/proc/{number}/mountinfo").read_bytes():
                found.append(int(number))
    return found


def groups_of(names):
    """Control groups that belong to the directories `names` of a place, by the run that made them."""
    owners = {name.rpartition("-")[0] for name in names}
    return [str(path) for path in Path("/sys/fs/cgroup").glob("**/slimml-*") if path.name.rpartition("-")[0] in owners]


def children_of(pid):
    """The child processes of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for_the_end(descriptor):
    """Wait for the process behind a pidfd to end."""
    ready, _, _ = select.select([descriptor], [], [], WAIT)
    assert ready, "a process did not end"
