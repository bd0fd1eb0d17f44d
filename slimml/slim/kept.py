"""Finds what `deliver` kept of a slimmed image: its ledger and the removed content, or files that the user names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.errors import LimitExceeded, NotFound, SlimmlError
from slimml.oci.artifact import LEDGER, REMOVED
from slimml.oci.beneath import told
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, parse_digest
from slimml.oci.limits import Limits
from slimml.oci.reference import Transport
from slimml.oci.transfer import Access, find_artifacts
from slimml.oci.verify import verified
from slimml.oci.window import Window
from slimml.slim.assemble import LABEL
from slimml.slim.deliver import file_of, kept_blobs
from slimml.slim.ledger import Ledger, read_ledger

if TYPE_CHECKING:
    from slimml.oci.image import Blobs, Image, Stream

_ATTACHED = (Transport.REGISTRY, Transport.LAYOUT)
_ARCHIVES = (Transport.OCI_ARCHIVE, Transport.DOCKER_ARCHIVE)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _File:
    """A file that stands for one blob."""

    path: Path

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Window:
        """The file from byte `offset` on, whatever blob was asked for; raises NotFound, AccessDenied."""
        del descriptor
        try:
            found = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise told(error, str(self.path)) from None
        return Window(found, offset, os.fstat(found).st_size - offset)


def find_ledger(image: Image, access: Access, file: Path | None = None) -> Ledger:
    """The ledger of a slimmed image: `file` if given, else the one that the image's label names.

    Raises NotFound when there is none, InvalidImage and LimitExceeded when it is damaged.
    """
    if file is not None:
        with _File(file).open_blob(Descriptor(LEDGER, Digest(""), UNKNOWN_SIZE)) as stream:
            return read_ledger(_lines(stream, access.limits), access.limits)
    named = image.config.labels.get(f"{LABEL}ledger.digest")
    if named is None:
        raise NotFound(f"{image.reference}: slimml did not make this image, or another tool took its label away")
    return ledger_in(*_find(image, LEDGER, parse_digest(named), access, "--ledger"), access.limits)


def ledger_in(descriptor: Descriptor, blobs: Blobs, limits: Limits) -> Ledger:
    """The ledger in a blob; raises InvalidImage and LimitExceeded when it is damaged."""
    with verified(blobs.open_blob(descriptor), descriptor) as stream:
        return read_ledger(_lines(stream, limits), limits)


def find_removed(image: Image, ledger: Ledger, access: Access, file: Path | None = None) -> tuple[Descriptor, Blobs]:
    """The blob of removed content that the ledger names, and where to open it; it is not verified yet.

    Raises NotFound when it was not kept.
    """
    if ledger.removed is None:
        raise NotFound(f"{image.reference}: what was removed was not kept; run slimml optimize with --keep-removed")
    if file is not None:
        return _described(file, REMOVED, ledger.removed)
    return _find(image, REMOVED, ledger.removed, access, "--removed")


def _find(image: Image, kind: str, digest: Digest, access: Access, option: str) -> tuple[Descriptor, Blobs]:
    reference = image.reference
    if reference.transport in _ATTACHED:
        for artifact in find_artifacts(reference, image.manifest.digest, kind, access):
            for blob in artifact.manifest.layers:
                if blob.digest == digest:
                    return blob, artifact.blobs
        raise NotFound(f"{reference}: nothing attached to the image has digest {digest}; name a file with {option}")
    if reference.transport in _ARCHIVES:
        return _described(file_of(reference, kind), kind, digest)
    store = kept_blobs()
    return _described(Path(store.path, *digest.split(":")), kind, digest)


def _described(file: Path, kind: str, digest: Digest) -> tuple[Descriptor, Blobs]:
    try:
        return Descriptor(kind, digest, file.stat().st_size), _File(file)
    except OSError as error:
        raise told(error, str(file)) from None


def _lines(stream: Stream, limits: Limits) -> Iterator[bytes]:
    """The lines of a stream, all of it; raises LimitExceeded for one that is longer than a JSON document may be."""
    rest = b""
    try:
        while piece := stream.read(_CHUNK):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            if len(rest) > limits.json_bytes:
                raise LimitExceeded(f"a line of the ledger has {len(rest)} bytes", "json_bytes")
    except OSError as error:
        raise SlimmlError(f"the ledger cannot be read: {error.strerror}") from None
    if rest:
        yield rest
