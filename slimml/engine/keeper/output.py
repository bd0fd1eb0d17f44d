"""What the main process of a container says: through pipes that the keeper empties, into files of bounded length."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from slimml.engine.container import OUTPUT_BYTES, Output
from slimml.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from slimml.engine.keeper.ask import Keeper

_STREAMS = ("stdout", "stderr")


def open_streams(keeper: Keeper, directory: Path) -> list[int]:
    """Standard streams for a main process, whose output is kept in `directory`; the caller closes them."""
    streams = [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)]
    try:
        for name in _STREAMS:
            read, write = os.pipe2(os.O_CLOEXEC)
            streams.append(write)
            try:
                keeper.call("collect", (read,), path=str(directory / name), room=OUTPUT_BYTES + 1)
            finally:
                os.close(read)
    except BaseException:
        close_all(streams)
        raise
    return streams


def close_all(descriptors: list[int]) -> None:
    """Close descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)


def said(directory: Path, what: str) -> Output:
    """What was kept so far; raises Refused when a stream is longer than OUTPUT_BYTES."""
    found = []
    for name in _STREAMS:
        try:
            with open(directory / name, "rb") as file:
                found.append(file.read(OUTPUT_BYTES + 1))
        except FileNotFoundError:
            found.append(b"")
        if len(found[-1]) > OUTPUT_BYTES:
            raise Refused(f"{what} says more than {OUTPUT_BYTES >> 20} MiB, which slimml does not keep")
    return Output(0, *found)


def shell_code(code: int) -> int:
    """An exit code as shells have it: 128 + N for signal N, which Python tells as -N."""
    return code if code >= 0 else 128 - code
