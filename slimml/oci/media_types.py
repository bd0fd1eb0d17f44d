"""Media types of OCI (image-spec media-types.md) and Docker schema 2 (distribution, manifest-v2-2.md)."""

from enum import StrEnum

from slimml.errors import Unsupported

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar"

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
ACCEPTED = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)

_PLAIN = (OCI_LAYER_NONDISTRIBUTABLE, OCI_LAYER, DOCKER_FOREIGN_LAYER, DOCKER_LAYER)


class Compression(StrEnum):
    """How a layer's tar is stored."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_SUFFIXES = {
    "": Compression.NONE,
    "+gzip": Compression.GZIP,
    ".gzip": Compression.GZIP,
    "+zstd": Compression.ZSTD,
    ".zstd": Compression.ZSTD,
}


def is_layer(media_type: str) -> bool:
    """Whether the type is one of a file system layer."""
    return media_type.startswith(_PLAIN)


def is_foreign(media_type: str) -> bool:
    """Whether the layer may not be pushed to another registry (non-distributable, "foreign")."""
    return media_type.startswith((OCI_LAYER_NONDISTRIBUTABLE, DOCKER_FOREIGN_LAYER))


def compression_of(media_type: str) -> Compression:
    """How a layer of this type is compressed; raises Unsupported for what is no layer type."""
    for plain in _PLAIN:
        if media_type.startswith(plain):
            found = _SUFFIXES.get(media_type[len(plain) :])
            if found is not None:
                return found
    raise Unsupported(f"layer media type {media_type[:120]!r} is not known; slimml reads tar, gzip and zstd layers")


def layer_type(compression: Compression, *, docker: bool) -> str:
    """The media type of a layer; `docker` asks for the schema 2 name (which has none for zstd: the OCI one is used)."""
    if docker and compression is not Compression.ZSTD:
        return DOCKER_LAYER + (".gzip" if compression is Compression.GZIP else "")
    return OCI_LAYER + ("" if compression is Compression.NONE else f"+{compression.value}")
