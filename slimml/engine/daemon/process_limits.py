"""The limits that an engine on this machine runs under: those it may surely hand on to containers."""

import resource
import socket
import struct
from contextlib import suppress

from slimml.oci.places.daemon.api.address import Address

_KINDS = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
_CREDENTIALS = struct.Struct("3i")


def limits_of_engine(address: Address) -> dict[str, tuple[int, int]]:
    """Soft and hard limits by the name that engines give them; those of this process where nobody can know.

    Without CAP_SYS_RESOURCE (in a container, say) a runtime cannot raise limits, and Podman asks it for a million
    open files.
    """
    pid = 0
    if address.socket_path is not None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(address.socket_path)
            told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid = _CREDENTIALS.unpack(told)[0]
    return {name: _limit(pid, kind) for name, kind in _KINDS.items()}


def _limit(pid: int, kind: int) -> tuple[int, int]:
    with suppress(OSError):
        return resource.prlimit(pid, kind)
    return resource.getrlimit(kind)
