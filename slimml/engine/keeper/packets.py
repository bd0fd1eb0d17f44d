"""What slimml and its keeper say to each other: JSON documents with descriptors, one to a packet (unix(7))."""

import errno
import json
import os
import socket
from collections.abc import Sequence
from typing import Any

_PACKET_BYTES = 1 << 17
_DESCRIPTORS = 8


def send(connection: socket.socket, document: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one document; raises OSError, also for one that is too long (over 128 KiB)."""
    data = json.dumps(document).encode()
    if len(data) > _PACKET_BYTES:
        raise OSError(errno.E2BIG, f"a request of {len(data)} bytes")
    socket.send_fds(connection, [data], list(descriptors))


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next document and its descriptors, not inherited by programs; None at the end."""
    data, descriptors, _, _ = socket.recv_fds(connection, _PACKET_BYTES, _DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return (json.loads(data), descriptors) if data else None
