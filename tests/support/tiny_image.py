"""Tiny images in a few lines: `tiny({"etc/motd": b"hello"})` is an `Image` of one layer whose blobs are in memory."""

import gzip
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from slimml.errors import NotFound
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import hex_of, sha256
from slimml.oci.image import assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import DOCKER_CONFIG, OCI_CONFIG, Compression, layer_type
from slimml.oci.reference import Reference, Transport

MEMORY = Reference(Transport.LAYOUT, path="memory")


@dataclass
class MemoryBlobs:
    """Blobs by digest; change `content` to damage one."""

    content: dict[str, bytes] = field(default_factory=dict)

    def open_blob(self, descriptor, offset=0):
        if descriptor.digest not in self.content:
            raise NotFound(f"no blob {descriptor.digest}")
        return io.BytesIO(self.content[descriptor.digest][offset:])

    def add(self, media_type, data):
        digest = sha256(data)
        self.content[digest] = data
        return Descriptor(media_type, digest, len(data))


def tar_of(files):
    """A tar of regular files, {path: content}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mode = 0o755
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def compress(data, compression):
    """`data` as a layer's blob."""
    if compression is Compression.GZIP:
        return gzip.compress(data, mtime=0)
    if compression is Compression.ZSTD:
        return zstandard.ZstdCompressor().compress(data)
    return data


def tiny(*layers, compression=Compression.GZIP, docker=False, config=None):
    """An image of layers given as {path: content} or as the bytes of a tar."""
    blobs = MemoryBlobs()
    tars = [layer if isinstance(layer, bytes) else tar_of(layer) for layer in layers]
    kind = layer_type(compression, docker=docker)
    descriptors = [blobs.add(kind, compress(data, compression)) for data in tars]
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": [sha256(data) for data in tars]},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": f"RUN step {n}"} for n in range(len(tars))],
    }
    raw = json.dumps(document | (config or {})).encode()
    described = blobs.add(DOCKER_CONFIG if docker else OCI_CONFIG, raw)
    manifest = build_manifest(config=described, layers=descriptors, docker=docker)
    return assemble(MEMORY, manifest, parse_config(raw), blobs)


def put_layout(path, image, names=("latest",)):
    """`image` as an OCI layout in the directory `path`, written without slimml."""
    path = Path(path)
    store = path / "blobs" / "sha256"
    store.mkdir(parents=True, exist_ok=True)
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    for digest, data in image.layers[0].blobs.content.items():
        (store / hex_of(digest)).write_bytes(data)
    (store / hex_of(image.manifest.digest)).write_bytes(image.manifest.raw)
    entries = []
    for name in names:
        entry = image.manifest.descriptor.to_json()
        entries.append(entry | ({"annotations": {"org.opencontainers.image.ref.name": name}} if name else {}))
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return path


def blob_path(layout, digest):
    """Where the layout keeps a blob."""
    return Path(layout) / "blobs" / "sha256" / hex_of(digest)


def read_layers(image):
    """The plain tars of an image's layers."""
    plain = {
        Compression.GZIP: gzip.decompress,
        Compression.ZSTD: lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
        Compression.NONE: bytes,
    }
    found = []
    for layer in image.layers:
        with layer.open() as stream:
            found.append(plain[layer.compression](stream.read()))
    return found
