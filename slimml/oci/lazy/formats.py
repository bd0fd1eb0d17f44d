"""The two formats, their annotations, and what their readers can take.

eStargz: stargz-snapshotter, docs/estargz.md. zstd:chunked: containers/storage, docs/containers-storage-zstd-chunked.md;
its annotations were renamed in 2022, and readers from before and after know only their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from slimml.oci.limits import MIB
from slimml.oci.media_types import Compression

if TYPE_CHECKING:
    from slimml.oci.descriptor import Descriptor

CHUNK_BYTES = 4 * MIB
"""how much of a file is one chunk"""

TOC_NAME = "stargz.index.json"
PREFETCH = ".prefetch.landmark"
NO_PREFETCH = ".no.prefetch.landmark"
LANDMARK = b"\x0f"
"""content of both landmarks"""
OWN_NAMES = frozenset({TOC_NAME, PREFETCH, NO_PREFETCH})
"""entries that eStargz adds to a tar"""

TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
_OLD, _NEW = "io.containers.zstd-chunked.", "io.github.containers.zstd-chunked."
OLD_CHECKSUM, OLD_POSITION = f"{_OLD}manifest-checksum", f"{_OLD}manifest-position"
NEW_CHECKSUM, NEW_POSITION = f"{_NEW}manifest-checksum", f"{_NEW}manifest-position"
TAR_SPLIT_POSITION = f"{_NEW}tarsplit-position"

READABLE_TOC_BYTES = 150 * MIB
"""a table of contents beyond this is passed over by containers/storage, which then pulls the whole layer"""
OLD_READABLE_TOC_BYTES = 50 * MIB
"""the same of containers/storage before 2023"""
READABLE_ENTRIES = 700_000
"""more entries than this never fit into a readable table"""


class LazyFormat(StrEnum):
    """A way to store a layer so that a client may fetch parts of it; every other client reads it as gzip or zstd."""

    ESTARGZ = "estargz"
    ZSTD_CHUNKED = "zstd-chunked"

    @property
    def compression(self) -> Compression:
        """What a client that does not know the format takes the layer for."""
        return Compression.GZIP if self is LazyFormat.ESTARGZ else Compression.ZSTD


def format_of(descriptor: Descriptor) -> LazyFormat | None:
    """The format that a layer's annotations claim, None where they claim none."""
    if TOC_DIGEST in descriptor.annotations:
        return LazyFormat.ESTARGZ
    if NEW_CHECKSUM in descriptor.annotations or OLD_CHECKSUM in descriptor.annotations:
        return LazyFormat.ZSTD_CHUNKED
    return None


def without_claims(annotations: Mapping[str, str]) -> dict[str, str]:
    """The annotations that do not tell of one blob's inner layout."""
    return {key: value for key, value in annotations.items() if key != TOC_DIGEST and not key.startswith((_OLD, _NEW))}
