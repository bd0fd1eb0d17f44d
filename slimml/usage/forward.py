"""Ports of a container on this machine's loopback, so that somebody can drive it by hand, whatever runs it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.engine.container import Container

_PIECE = 1 << 16
_CONNECT_SECONDS = 10
_LOOPBACK = "127.0.0.1"


@contextmanager
def forwarded(container: Container, ports: tuple[int, ...]) -> Iterator[dict[int, str]]:
    """Until the context ends each port of the container is reached at an address here; the addresses by port.

    The same number where it is free, else another.
    """
    listeners: list[socket.socket] = []
    found = {}
    try:
        for port in ports:
            listener = _listen(port)
            listeners.append(listener)
            found[port] = f"{_LOOPBACK}:{listener.getsockname()[1]}"
            threading.Thread(
                target=_accept, args=(listener, container, port), name="slimml-forward", daemon=True
            ).start()
        yield found
    finally:
        for listener in listeners:
            with suppress(OSError):
                # Closing alone would not wake who accepts.
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_LOOPBACK, port))
    except OSError:
        return socket.create_server((_LOOPBACK, 0))


def _accept(listener: socket.socket, container: Container, port: int) -> None:
    while True:
        try:
            outer, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(outer, container, port), name="slimml-forward", daemon=True).start()


def _serve(outer: socket.socket, container: Container, port: int) -> None:
    with outer:
        try:
            inner = container.connect(port, _CONNECT_SECONDS)
        except OSError:
            return  # nobody listens inside: the caller sees a connection that ends
        with inner:
            inner.settimeout(None)
            back = threading.Thread(target=_pump, args=(inner, outer), name="slimml-forward", daemon=True)
            back.start()
            _pump(outer, inner)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
