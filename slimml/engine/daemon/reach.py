"""Ways to a port of a container: its own address, a published port, its network namespace."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slimml.engine.enter import Door, can_enter
from slimml.errors import Unsupported
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.places.daemon.api.connections import ssh_tunnel

_Way = Callable[[float], socket.socket]

_DIRECT_SECONDS = 1.0
"""how long a packet to a container's own address may take; where there is no way to it, it may just be dropped"""
_LISTENING = "0A"
_SUDDEN_END_SECONDS = 0.2
"""a proxy that finds nobody inside hangs up at once; one that found somebody keeps the connection"""


@dataclass(frozen=True)
class Where:
    """What is known of a running container's network. `pid` is that of its main process on this machine, else None."""

    engine: Address
    rootless: bool
    pid: int | None
    address: str | None
    published: dict[int, int]


def where(engine: Address, rootless: bool, pid: int | None, inspected: dict[str, Any]) -> Where:
    """Read what an engine says of a running container."""
    settings = inspected.get("NetworkSettings") or {}
    addresses = [settings.get("IPAddress"), *(n.get("IPAddress") for n in (settings.get("Networks") or {}).values())]
    published = {}
    for port, bindings in (settings.get("Ports") or {}).items():
        for binding in bindings or ():
            published[int(port.partition("/")[0])] = int(binding["HostPort"])
    return Where(engine, rootless, pid, next((a for a in addresses if a), None), published)


class Reach:
    """The way to each port of one container, found by trying and then kept."""

    def __init__(self, place: Where) -> None:
        self._place = place
        self._known: dict[int, list[_Way]] = {}
        self._door: Door | None = None

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A connection to `port` inside; raises OSError, ConnectionRefusedError while nobody listens; Unsupported."""
        known = self._known.get(port) or self._known.setdefault(port, self._ways(port))
        failure: OSError = ConnectionRefusedError(port)
        for number, way in enumerate(known):
            try:
                found = way(timeout)
            except ConnectionRefusedError:
                raise
            except OSError as error:
                failure = error
                continue
            del known[:number]
            return found
        raise failure

    def close(self) -> None:
        """Let go of the network; a second call does nothing."""
        if self._door is not None:
            self._door.close()
            self._door = None

    def _ways(self, port: int) -> list[_Way]:
        place, found = self._place, list[_Way]()
        if place.pid is not None and not place.rootless and place.address:
            found.append(partial(_direct, place.address, port))
        if port in place.published:
            found.append(_Published(place, port))
        if place.pid is not None and can_enter(place.pid):
            found.append(partial(self._inside, place.pid, port))
        if not found:
            raise Unsupported(
                f"{place.engine}: port {port} of a container without a network is reached only on the engine's own "
                "machine, as root or its user; run slimml so, or let the container have a network"
            )
        return found

    def _inside(self, pid: int, port: int, timeout: float) -> socket.socket:
        if self._door is None:
            self._door = Door(pid)
        return self._door.connect(port, timeout)


def _direct(address: str, port: int, timeout: float) -> socket.socket:
    found = socket.create_connection((address, port), min(timeout, _DIRECT_SECONDS))
    found.settimeout(timeout)
    return found


class _Published:
    """Through the engine's proxy, which accepts connections also when nobody listens inside."""

    def __init__(self, place: Where, port: int) -> None:
        self._place = place
        self._port = port
        self._proven = False

    def __call__(self, timeout: float) -> socket.socket:
        known = None if self._place.pid is None else _listens(self._place.pid, self._port)
        if known is False:
            raise ConnectionRefusedError(f"nobody listens on port {self._port} inside")
        try:
            connection = _to_host(self._place.engine, self._place.published[self._port], timeout)
        except ConnectionRefusedError:
            if known:
                raise OSError(f"port {self._port} is published on another network than ours") from None
            raise
        if not known and not self._proven and _hung_up(connection):
            connection.close()
            raise ConnectionRefusedError(f"the engine's proxy finds nobody on port {self._port} inside")
        self._proven = True
        connection.settimeout(timeout)
        return connection


def _to_host(engine: Address, port: int, timeout: float) -> socket.socket:
    """A connection to a port that the engine's host publishes."""
    parts = urlsplit(engine.url)
    if parts.scheme == "ssh":
        return ssh_tunnel(engine.url, "127.0.0.1", port, timeout)
    host = "127.0.0.1" if engine.socket_path is not None else (parts.hostname or "127.0.0.1")
    return socket.create_connection((host, port), timeout)


def publish_address(engine: Address) -> str:
    """Where an engine publishes ports so that they are reached from here: only its loopback, where that will do."""
    parts = urlsplit(engine.url)
    if engine.socket_path is not None or parts.scheme == "ssh":
        return "127.0.0.1"
    with suppress(ValueError):
        return "127.0.0.1" if ipaddress.ip_address(parts.hostname or "").is_loopback else "0.0.0.0"
    return "127.0.0.1" if parts.hostname == "localhost" else "0.0.0.0"


def _hung_up(connection: socket.socket) -> bool:
    connection.settimeout(_SUDDEN_END_SECONDS)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def _listens(pid: int, port: int) -> bool | None:
    """Whether something in the network namespace of `pid` listens on `port` beyond loopback; None where unreadable."""
    try:
        tables = [Path(f"/proc/{pid}/net/{name}").read_text("ascii") for name in ("tcp", "tcp6")]
    except OSError:
        return None
    for line in "".join(tables).splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTENING:
            address, _, number = fields[1].partition(":")
            if int(number, 16) == port and not _loopback(address):
                return True
    return False


def _loopback(address: str) -> bool:
    """Of an address as proc_pid_net(5) has it: words of the host's byte order in hex."""
    words = bytes.fromhex(address)
    turned = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    return ipaddress.ip_address(turned).is_loopback
