"""The archive that `load` takes, made while it is sent: unlike a file's, its headers cannot be mended afterwards."""

import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import IO

from slimml.errors import InvalidImage
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.digest import Digest, hex_of, short
from slimml.oci.image import Image, Layer, Stream
from slimml.oci.limits import Limits
from slimml.oci.media_types import Compression
from slimml.oci.reference import Name
from slimml.oci.scan import scan_image
from slimml.oci.tar.events import Entry
from slimml.oci.tar.header import BLOCK, padding
from slimml.oci.verified_layer import verified_layer, verified_tar

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Parcel:
    """An image on its way into an engine. `sizes` are those of the layers as sent, in bytes, by diff ID.

    Layers that the engine has are not in `sizes`: they are told of, and not sent.
    """

    image: Image
    name: Name
    sizes: Mapping[Digest, int]

    @property
    def layer_bytes(self) -> int:
        """What is sent of layers."""
        return sum(self.sizes.values())


def packed(image: Image, name: Name, held: int, limits: Limits) -> Parcel:
    """`image`, of which the engine holds the lowest `held` layers already.

    A header tells a size before the content: layers whose size in the archive nobody knows are read once for it.
    Raises what reading them raises.
    """
    known = {layer.diff_id for layer in image.layers[:held]}
    sent = {layer.diff_id: layer for layer in image.layers if layer.diff_id not in known}
    unknown = {diff_id: layer for diff_id, layer in sent.items() if _size(layer) == UNKNOWN_SIZE}
    sizes = {diff_id: _size(layer) for diff_id, layer in sent.items()}
    if unknown:
        facts = scan_image(replace(image, layers=tuple(unknown.values())), _unheeding, limits=limits)
        sizes |= {diff_id: facts[diff_id].tar_bytes for diff_id in unknown}
    return Parcel(image, name, sizes)


def archive(parcel: Parcel, limits: Limits, advance: Callable[[int], None]) -> Iterator[bytes]:
    """The bytes of the archive (moby, image/tarexport). Gzip layers go as they are, zstd layers decompressed.

    What is wrong with a layer is raised before the archive's end, so that no engine takes it. Raises InvalidImage,
    LimitExceeded, and what opening layers raises.
    """
    image = parcel.image
    layers = {layer.diff_id: layer for layer in image.layers}
    for diff_id, size in parcel.sizes.items():
        yield _header(_member(layers[diff_id]), size)
        yield from _content(layers[diff_id], size, limits, advance)
        yield bytes(padding(size))
    config = f"{hex_of(image.config.digest)}.json"
    yield _document(config, image.config.raw)
    listed = {
        "Config": config,
        "RepoTags": [parcel.name.familiar],
        "Layers": [_member(layer) for layer in image.layers],
    }
    yield _document("manifest.json", json.dumps([listed]).encode())
    yield bytes(2 * BLOCK)


def _size(layer: Layer) -> int:
    return UNKNOWN_SIZE if layer.compression is Compression.ZSTD else layer.descriptor.size


def _member(layer: Layer) -> str:
    return f"{hex_of(layer.diff_id)}.tar" + (".gz" if layer.compression is Compression.GZIP else "")


def _content(layer: Layer, size: int, limits: Limits, advance: Callable[[int], None]) -> Iterator[bytes]:
    stream: Stream
    if layer.compression is Compression.ZSTD:
        stream = verified_tar(layer, limits, _ignore)
    else:
        stream = verified_layer(layer, limits)
    left = size
    with stream:
        while piece := stream.read(_CHUNK):
            left -= len(piece)
            if left < 0:
                break
            advance(len(piece))
            yield piece
    if left:
        raise InvalidImage(f"layer {short(layer.diff_id)} is not of the {size} bytes that it had before")


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def _document(name: str, data: bytes) -> bytes:
    return _header(name, len(data)) + data + bytes(padding(len(data)))


def _ignore(amount: int) -> None:
    del amount


class _Unheeding:
    """A visitor that wants to know nothing but where the tar ends."""

    def other(self, entry: Entry) -> None: ...
    def whole(self, entry: Entry, content: memoryview) -> None: ...
    def begin(self, entry: Entry) -> None: ...
    def data(self, piece: memoryview) -> None: ...
    def end(self) -> None: ...
    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None: ...
    def finish(self, tar_bytes: int) -> None: ...


def _unheeding(layer: Layer) -> _Unheeding:
    del layer
    return _Unheeding()
