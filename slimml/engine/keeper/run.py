"""Programs of the keeper with their output read, bounded in bytes and time."""

from __future__ import annotations

import json
import os
import selectors
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slimml.engine.container import OUTPUT_BYTES, FileStatus
from slimml.errors import Refused, SlimmlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from slimml.engine.keeper.ask import Keeper

_PIECE = 1 << 16
_NAME_BYTES = 1 << 20


@dataclass(frozen=True)
class Ended:
    """How a program ended (-N for signal N), and what it said."""

    code: int
    stdout: bytes
    stderr: bytes


def run(
    keeper: Keeper,
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout: float,
    stop: Callable[[int], None] | None = None,
    environment: Mapping[str, str] | None = None,
    **words: Any,
) -> Ended:
    """Run a program to its end. `stop` is called with its process ID before TimeoutError or Refused is raised.

    Raises OSError when it cannot start, TimeoutError, Refused for more output than OUTPUT_BYTES.
    """
    deadline = time.monotonic() + timeout
    with ExitStack() as opened:
        given = os.memfd_create("stdin", os.MFD_CLOEXEC)
        opened.callback(os.close, given)
        with open(os.dup(given), "wb") as file:
            file.write(stdin)
        os.lseek(given, 0, os.SEEK_SET)
        reading: list[int] = []
        writing: list[int] = []
        for _ in range(2):
            read, write = os.pipe2(os.O_CLOEXEC)
            opened.callback(os.close, read)
            reading.append(read)
            writing.append(write)
        try:
            pid = keeper.spawn(argv, (given, *writing), environment=environment, **words)
        finally:
            for write in writing:
                os.close(write)
        try:
            outputs = _read_all(reading, deadline, lambda: keeper.ended(pid, 0) is not None)
            code = keeper.ended(pid, max(0.0, deadline - time.monotonic()))
            if code is None:
                raise TimeoutError(f"{argv[0]} did not end within {timeout:g} s")
        except BaseException:
            if stop is not None:
                stop(pid)
            keeper.signal(pid, 9, group=True)
            raise
    return Ended(code, *(bytes(output) for output in outputs))


def file_status(keeper: Keeper, root: str, path: str) -> FileStatus | None:
    """What is at `path` of the directory `root`, links followed in there; None where nothing is."""
    read, write = os.pipe2(os.O_CLOEXEC)
    with open(read, "rb") as stream:
        try:
            keeper.begin_chore("status", (write,), root=root, path=path)
        finally:
            os.close(write)
        told = stream.read()
    return FileStatus(*json.loads(told)) if told else None


def put_files(keeper: Keeper, root: str, archive: Iterable[bytes]) -> None:
    """Unpack a tar, which comes in pieces, onto the directory `root`; raises SlimmlError."""
    read, write = os.pipe2(os.O_CLOEXEC)
    with open(write, "wb", buffering=0) as sink:
        try:
            pid = keeper.begin_chore("put", (read,), root=root)
        finally:
            os.close(read)
        try:
            for piece in archive:
                rest = memoryview(piece)
                while rest:
                    rest = rest[sink.write(rest) :]
        except BrokenPipeError:
            pass  # the chore's own end tells why
        except BaseException:
            keeper.signal(pid, 9)
            raise
    code = keeper.ended(pid)
    if code:
        raise SlimmlError(f"files could not be put into the container: {os.strerror(code) if code > 0 else code}")


def _read_all(reading: Sequence[int], deadline: float, ended: Callable[[], bool]) -> list[bytearray]:
    """What comes out of pipes until both end, or until the program has and they are empty (its children hold them)."""
    found = {descriptor: bytearray() for descriptor in reading}
    with selectors.DefaultSelector() as selector:
        for descriptor in reading:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the command did not end in time")
            over = ended()
            ready = selector.select(0 if over else min(left, 0.2))
            for key, _ in ready:
                piece = os.read(key.fd, _PIECE)
                found[key.fd] += piece
                if len(found[key.fd]) > OUTPUT_BYTES:
                    raise Refused(f"the command says more than {OUTPUT_BYTES >> 20} MiB, which slimml does not keep")
                if not piece:
                    selector.unregister(key.fd)
            if over and not ready:
                break
    return [found[descriptor] for descriptor in reading]


def read_files(keeper: Keeper, root: str, path: str) -> dict[str, bytes]:
    """The files at and below `path` of the directory `root`, by absolute path; raises Refused past OUTPUT_BYTES."""
    read, write = os.pipe2(os.O_CLOEXEC)
    found: dict[str, bytes] = {}
    with open(read, "rb") as stream:
        try:
            pid = keeper.begin_chore("read", (write,), root=root, path=path)
        finally:
            os.close(write)
        left = OUTPUT_BYTES
        while line := stream.readline(_NAME_BYTES):
            name, size = json.loads(line)
            left -= size
            if left < 0:
                keeper.signal(pid, 9)
                raise Refused(f"{path} holds more than {OUTPUT_BYTES >> 20} MiB, which slimml does not copy out")
            found[name] = stream.read(size)
    keeper.ended(pid)
    return found
