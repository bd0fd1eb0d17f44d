"""Who made what lies around: names that tell the run which made them, and whether that run still lives.

An owner is `HOST-BOOT-NAMESPACE-PID-START`: a process is known for certain by its number and its start time, within
one PID namespace and one boot of one host. Whatever outlives a process (a container, an image's temporary name, a
directory) carries its owner in a name or a label, and any later run can tell whether it may be removed.
"""

import hashlib
import itertools
import os
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

LABEL = "slimml.owner"
"""label of containers and networks; its value is the owner"""

_OWNER = re.compile(r"(?P<host>[0-9a-f]{8})-(?P<boot>[0-9a-f]{8})-(?P<space>\d+)-(?P<pid>\d+)-(?P<start>\d+)")
_COUNTER = itertools.count(1)
_AFTER_NAME = re.compile(r"\) (\S) (?:\S+ ){18}(\d+) ")
"""proc_pid_stat(5): the state (3) and the start time in ticks since boot (22), after a name that may hold anything"""


def this_run() -> str:
    """The owner that this process is."""
    return f"{_host()}-{_boot()}-{_namespace()}-{os.getpid()}-{_start(os.getpid())}"


def own_name() -> str:
    """A name that nobody has: `slimml-OWNER-N`, fit for containers, tags and directories."""
    return f"slimml-{this_run()}-{next(_COUNTER)}"


def owner_in(name: str) -> str | None:
    """The owner that a name or a label tells of, None where there is none."""
    found = _OWNER.search(name)
    return found[0] if found else None


def alive(owner: str) -> bool:
    """Whether that run may still go on. What cannot be known from here (another host, another PID namespace) may."""
    found = _OWNER.fullmatch(owner)
    if found is None or found["host"] != _host():
        return True
    if found["boot"] != _boot():
        return False
    if found["space"] != _namespace():
        return True
    return _start(int(found["pid"])) == found["start"]


def abandoned(names: Iterable[str]) -> list[str]:
    """Those of `names` that tell of an owner who is certainly dead."""
    return [name for name in names if (owner := owner_in(name)) is not None and not alive(owner)]


@cache
def _host() -> str:
    """Eight digits for this host. Containers of one host may share its machine ID, not its name."""
    identity = socket.gethostname()
    with suppress(OSError):
        identity += Path("/etc/machine-id").read_text("ascii")
    return hashlib.sha256(identity.encode()).hexdigest()[:8]


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]


def _namespace() -> str:
    return "".join(filter(str.isdigit, os.readlink("/proc/self/ns/pid")))


def _start(pid: int) -> str | None:
    """The start time of a process, None when it has ended (a zombie has)."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("utf-8", "surrogateescape")
    except (FileNotFoundError, ProcessLookupError):
        return None
    found = _AFTER_NAME.search(told, told.rindex(")"))
    assert found, "the kernel's form of /proc/PID/stat"
    return None if found[1] in "ZX" else found[2]
