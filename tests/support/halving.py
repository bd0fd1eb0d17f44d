"""Shrinkers for tests of the pipeline: what they make is easily told from what was there."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from slimml.bloat.finding import Risk
from slimml.slim.replacing.shrinker import Left, Shrunk

SUFFIX = ".half"


def halved(content):
    """What `Halving` makes of a content."""
    return content[: len(content) // 2]


@dataclass(frozen=True)
class Halving:
    """Keeps the first half of files whose name ends in SUFFIX; those that begin with `stays` are left."""

    rule: str = "strip"
    risk: Risk = Risk.SAFE
    reason: str = "the second half is never read"
    key: str = "halving/1"
    labels: tuple[tuple[str, str], ...] = (("halved", "yes"),)
    suffix: str = SUFFIX
    memory_bytes: int = 512 << 20
    log: Path | None = None
    """a directory that gets a file for each call"""

    def wants(self, inventory):
        return np.array([row for row, path in enumerate(inventory.paths) if path.endswith(self.suffix)], dtype=np.int64)

    def shrink(self, source, target):
        if self.log:
            (self.log / os.urandom(8).hex()).touch()
        content = source.read_bytes()
        if content.startswith(b"stays"):
            return Left("it begins so")
        target.write_bytes(halved(content))
        return Shrunk("half of it")


@dataclass(frozen=True)
class Misbehaving(Halving):
    """Does what hostile files may do to a shrinker, by what their content begins with."""

    key: str = "misbehaving/1"
    labels: tuple[tuple[str, str], ...] = field(default=())

    def shrink(self, source, target):
        content = source.read_bytes()
        if content.startswith(b"dies"):
            os._exit(9)
        if content.startswith(b"raises"):
            raise ValueError("a bad file")
        if content.startswith(b"grows"):
            target.write_bytes(content * 2)
            return Shrunk("grown")
        if content.startswith(b"hogs"):
            return Left(str(len(bytearray(3 << 30))))
        if content.startswith(b"prints"):
            os.write(1, b"not a result\n" * 100)
        return super().shrink(source, target)


@dataclass(frozen=True)
class Blanking(Halving):
    """Leaves nothing of files but a line end."""

    key: str = "blanking/1"

    def shrink(self, source, target):
        target.write_bytes(b"\n")
        return Shrunk("all of it")
