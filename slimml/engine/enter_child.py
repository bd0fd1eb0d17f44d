"""The child of `enter.Door`: it enters the namespaces of a process and hands out sockets until nobody asks."""

import errno
import os
import socket
import sys

from slimml.engine import kernel


def main() -> None:
    """Run with a process ID and the descriptor of a connection as arguments."""
    pid, connection = int(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
    try:
        _enter(pid)
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ESRCH)
        connection.sendall(f"{'gone' if gone else 'no'} {error.strerror}".encode())
        return
    connection.sendall(b"in")
    while connection.recv(16):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
            socket.send_fds(connection, [b"here"], [made.fileno()])


def _enter(pid: int) -> None:
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    user = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    if not os.path.sameopenfile(user, os.open("/proc/self/ns/user", os.O_RDONLY | os.O_CLOEXEC)):
        # The rights over a rootless container's network come with its user namespace.
        kernel.setns(user, kernel.CLONE_NEWUSER)
    kernel.setns(network, kernel.CLONE_NEWNET)
