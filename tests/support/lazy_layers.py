"""Lazy layers taken apart and put together wrong: for tests of what reads them."""

import gzip
import hashlib
import io
import json
import struct
import tarfile
from dataclasses import replace

import zstandard
from tiny_image import MemoryBlobs, read_layers, tiny

from slimml.oci.blobs import BlobStore
from slimml.oci.digest import sha256
from slimml.oci.image import Layer
from slimml.oci.lazy.encode import Wish, lazy_image
from slimml.oci.lazy.formats import (
    NEW_CHECKSUM,
    NEW_POSITION,
    OLD_CHECKSUM,
    OLD_POSITION,
    TAR_SPLIT_POSITION,
    TOC_DIGEST,
    LazyFormat,
)

FOOTER = 51


def encoded(directory, image, wanted, **wishes):
    """`image` in a format; its new blobs lie in `directory`."""
    return lazy_image(image, Wish(LazyFormat(wanted), **wishes), BlobStore(directory))


def with_directories(image):
    """`image` with an entry for each directory, in front of each layer."""
    tars = []
    for data in read_layers(image):
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            names = archive.getnames()
        above = {name[:at] for name in names for at in range(len(name)) if name[at] == "/"}
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name in sorted(above - set(names)):
                member = tarfile.TarInfo(name)
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            length = archive.offset
        tars.append(out.getvalue()[:length] + data)
    return tiny(*tars)


def blob_of(layer):
    """The bytes of a layer as stored."""
    with layer.open() as stream:
        return stream.read()


def plain_tar(layer):
    """The tar in a layer, by the standard library's and zstd's own decoders."""
    raw = blob_of(layer)
    if layer.descriptor.media_type.endswith("gzip"):
        return gzip.decompress(raw)
    return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()


def layer_of(blob, like, annotations):
    """A layer of this blob; its diff ID is that of `like`."""
    blobs = MemoryBlobs()
    descriptor = replace(blobs.add(like.descriptor.media_type, blob), annotations=annotations)
    return Layer(descriptor, like.diff_id, None, blobs)


def estargz_toc(layer):
    """The table of contents, as a document."""
    raw = blob_of(layer)
    tar = gzip.decompress(raw[int(raw[-FOOTER + 16 : -FOOTER + 32], 16) : -FOOTER])
    return json.loads(tar[512 : 512 + int(tar[124:135], 8)])


def with_estargz_toc(layer, document, **annotations):
    """The layer with another table, rightly announced unless `annotations` say otherwise."""
    raw = blob_of(layer)
    position = int(raw[-FOOTER + 16 : -FOOTER + 32], 16)
    toc = document if isinstance(document, bytes) else json.dumps(document).encode()
    head = bytearray(gzip.decompress(raw[position:-FOOTER])[:512])
    head[124:136] = b"%011o\0" % len(toc)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    tar = bytes(head) + toc + bytes(-len(toc) % 512 + 1024)
    blob = raw[:position] + gzip.compress(tar, mtime=0) + raw[-FOOTER:]
    changed = layer_of(blob, layer, {TOC_DIGEST: sha256(toc), **annotations})
    whole = f"sha256:{hashlib.sha256(gzip.decompress(blob)).hexdigest()}"
    return replace(changed, diff_id=whole)


def chunked_toc(layer, position=NEW_POSITION):
    """The table of contents for current readers, or with OLD_POSITION for old ones."""
    at, length, _, _ = map(int, layer.descriptor.annotations[position].split(":"))
    raw = blob_of(layer)[at : at + length]
    return json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(raw))


def with_chunked_toc(layer, document, *, old=None, split=None, **annotations):
    """The layer with another table (and one for old readers, and tar-split data), rightly announced unless told."""
    said = layer.descriptor.annotations
    at, length, _ = map(int, said[TAR_SPLIT_POSITION].split(":"))
    raw = blob_of(layer)
    blob = raw[: int(said[NEW_POSITION].split(":")[0]) - 8]
    stored_split = raw[at : at + length] if split is None else zstandard.ZstdCompressor().compress(split)
    found = {}

    def add(data):
        nonlocal blob
        blob += b"\x50\x2a\x4d\x18" + struct.pack("<I", len(data))
        position = len(blob)
        blob += data
        return position

    found[TAR_SPLIT_POSITION] = f"{add(stored_split)}:{len(stored_split)}:0"
    for keys, one in (((NEW_CHECKSUM, NEW_POSITION), document), ((OLD_CHECKSUM, OLD_POSITION), old)):
        if one is not None:
            if isinstance(one, dict) and split is not None:
                one = {**one, "tarSplitDigest": sha256(stored_split)}
            toc = one if isinstance(one, bytes) else json.dumps(one).encode()
            stored = zstandard.ZstdCompressor().compress(toc)
            found |= {keys[0]: sha256(stored), keys[1]: f"{add(stored)}:{len(stored)}:{len(toc)}:1"}
    return layer_of(blob, layer, {**found, **annotations})
