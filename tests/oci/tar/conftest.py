"""Builders and readers of tars."""

import io
import tarfile
from collections.abc import Callable

import pytest
from told_events import Told

from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.tar.reader import TarReader

Read = Callable[..., Told]


@pytest.fixture
def read() -> Read:
    """Reads a tar in pieces of `step` bytes."""

    def run(data: bytes, step: int = 1 << 20, limits: Limits = DEFAULT_LIMITS) -> Told:
        told = Told()
        reader = TarReader(told, "the tar", limits)
        for start in range(0, len(data), step):
            reader.feed(data[start : start + step])
        reader.finish()
        return told

    return run


Make = Callable[..., bytes]


@pytest.fixture
def make() -> Make:
    """Makes a tar of (TarInfo or name, content) pairs."""

    def run(*members: object, form: int = tarfile.PAX_FORMAT) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            for member in members:
                info, content = member if isinstance(member, tuple) else (member, b"")
                if isinstance(info, str):
                    info = tarfile.TarInfo(info)
                if content:
                    info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return buffer.getvalue()

    return run
