"""Which compression which client takes, and how hard to compress."""

from __future__ import annotations

from enum import StrEnum

from slimml.oci.codec import Encoding
from slimml.oci.media_types import Compression


class Compat(StrEnum):
    """The oldest client that has to be able to pull the image."""

    DOCKER20 = "docker20"
    DOCKER23 = "docker23"
    CONTAINERD = "containerd"
    PODMAN = "podman"

    @property
    def accepts(self) -> frozenset[Compression]:
        """What it can unpack. Docker before 23 has no zstd; containerd has since 1.5, Podman since 2."""
        old = self is Compat.DOCKER20
        return frozenset({Compression.NONE, Compression.GZIP} | (set() if old else {Compression.ZSTD}))

    @property
    def best(self) -> Compression:
        """What it fetches and unpacks quickest."""
        return Compression.GZIP if self is Compat.DOCKER20 else Compression.ZSTD


class Effort(StrEnum):
    """How much time compressing may take. What is pulled unpacks as quickly in each case."""

    FAST = "fast"
    DEFAULT = "default"
    RELEASE = "release"


_LEVELS = {
    Compression.NONE: {Effort.FAST: 0, Effort.DEFAULT: 0, Effort.RELEASE: 0},
    Compression.GZIP: {Effort.FAST: 2, Effort.DEFAULT: 6, Effort.RELEASE: 10},
    Compression.ZSTD: {Effort.FAST: 1, Effort.DEFAULT: 3, Effort.RELEASE: 19},
}


def encoding_for(compression: Compression, effort: Effort, threads: int = 0) -> Encoding:
    """The encoding of that compression."""
    return Encoding(compression, _LEVELS[compression][effort], threads)
