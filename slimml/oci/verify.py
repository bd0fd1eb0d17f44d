"""Blobs checked against their descriptors while they stream past (image-spec descriptor.md, section Verification)."""

import hashlib
from typing import Self

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import algorithm_of, hex_of
from slimml.oci.image import Blobs, Stream
from slimml.oci.limits import DEFAULT_LIMITS, Limits

_CHUNK = 1 << 20


def verified(stream: Stream, descriptor: Descriptor) -> Stream:
    """`stream`, which must be the whole blob, with digest and size checked; closing the result closes it.

    InvalidImage is raised as soon as more bytes come than the descriptor says, when the stream ends early, and instead
    of the last bytes when the digest differs. With UNKNOWN_SIZE the digest alone is checked, at the end of the stream.
    Who stops reading before the end gets unverified bytes.
    """
    return _Verified(stream, descriptor)


def verified_bytes(blobs: Blobs, descriptor: Descriptor, what: str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The whole of a JSON blob, verified; `what` names it in errors.

    Raises LimitExceeded past `limits.json_bytes`, InvalidImage, and what `open_blob` raises.
    """
    if descriptor.size > limits.json_bytes:
        raise LimitExceeded(f"{what} has {descriptor.size} bytes of JSON", "json_bytes")
    pieces: list[bytes] = []
    total = 0
    with verified(blobs.open_blob(descriptor), descriptor) as stream:
        while piece := stream.read(_CHUNK):
            total += len(piece)
            if total > limits.json_bytes:
                raise LimitExceeded(f"{what} has more than {limits.json_bytes} bytes of JSON", "json_bytes")
            pieces.append(piece)
    return b"".join(pieces)


class _Verified:
    def __init__(self, stream: Stream, descriptor: Descriptor) -> None:
        self._stream = stream
        self._descriptor = descriptor
        self._hash = hashlib.new(algorithm_of(descriptor.digest))
        self._count = 0
        self._checked = False

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        if size == 0:
            return b""
        said = self._descriptor.size
        # One byte more than may come tells that too many come, without reading them.
        ask = size if said == UNKNOWN_SIZE else min(size, said - self._count + 1)
        piece = self._stream.read(ask)
        self._hash.update(piece)
        self._count += len(piece)
        if said != UNKNOWN_SIZE and self._count > said:
            raise InvalidImage(f"blob {self._descriptor.digest} is longer than the {said} bytes its descriptor says")
        if self._count == said or not piece:
            self._check()
        return piece

    def _check(self) -> None:
        if self._checked:
            return
        said = self._descriptor
        if said.size not in (UNKNOWN_SIZE, self._count):
            raise InvalidImage(f"blob {said.digest} ends after {self._count} of {said.size} bytes")
        if self._hash.hexdigest() != hex_of(said.digest):
            raise InvalidImage(f"blob {said.digest} has other content: its digest is {self._hash.hexdigest()}")
        self._checked = True

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
