"""What `docker save` writes, `docker-archive:FILE[:name:tag]`: source and sink (moby image/tarexport; docker-archive).

Read are the older form (`HEX/layer.tar`, repeated layers as links) and the newer one (`blobs/sha256/HEX`), both by
their `manifest.json`. Such an archive has no image manifest: a schema 2 one is made, in which a plain layer has its
diff ID as digest. Written is the older form, which every engine and tool reads.
"""

import hashlib
from typing import Any

from slimml.errors import InvalidImage, LimitExceeded, NotFound, UsageError
from slimml.oci import documents
from slimml.oci.archive_file import ArchiveFile
from slimml.oci.config import ImageConfig, parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest, parse_digest
from slimml.oci.image import Image, assemble
from slimml.oci.limits import Limits
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import DOCKER_CONFIG, Compression, layer_type
from slimml.oci.places.archive_blobs import ArchiveBlobs
from slimml.oci.places.docker_archive_sink import write_image
from slimml.oci.places.layout_index import tagged
from slimml.oci.reference import Name, Reference, parse_name
from slimml.oci.transfer import Access

__all__ = ["open_image", "write_image"]

LIST_FILE = "manifest.json"
_BLOBS = "blobs/sha256/"
_CHUNK = 1 << 20
_MAGIC = {b"\x1f\x8b": Compression.GZIP, b"\x28\xb5\x2f\xfd": Compression.ZSTD}


def open_image(reference: Reference, access: Access) -> Image:
    """The image in an archive.

    A compressed layer in the older form is read once for its digest, which nothing there tells. Raises NotFound,
    UsageError (several images, none named), InvalidImage, LimitExceeded, Unsupported.
    """
    assert reference.path
    archive = ArchiveFile(reference.path, access.limits)
    chosen = _choose(_images(archive, access.limits), reference)
    config_name = documents.text(chosen, "Config", f"{LIST_FILE} of {reference.path}")
    config = _config(archive, config_name, access.limits)
    members = _layer_members(chosen, reference, config, access.limits)
    names: dict[Digest, str] = {config.digest: config_name}
    layers: dict[str, Descriptor] = {}
    for member, diff_id in zip(members, config.diff_ids, strict=True):
        if member not in layers:
            layers[member] = _layer(archive, member, diff_id)
            names[layers[member].digest] = member
    manifest = build_manifest(
        config=Descriptor(DOCKER_CONFIG, config.digest, len(config.raw)),
        layers=[layers[member] for member in members],
        docker=True,
    )
    return assemble(reference, manifest, config, ArchiveBlobs(archive, names))


def _images(archive: ArchiveFile, limits: Limits) -> list[dict[str, Any]]:
    if LIST_FILE not in archive.names:
        raise NotFound(f"{archive.path} is no archive of docker save: it has no member {LIST_FILE!r}")
    what = f"{LIST_FILE} of {archive.path}"
    found = documents.load_list(archive.read_document(LIST_FILE), what, limits)
    if not all(isinstance(item, dict) for item in found):
        raise InvalidImage(f"{what} should list objects")
    return found


def _choose(images: list[dict[str, Any]], reference: Reference) -> dict[str, Any]:
    if reference.name is None:
        if len(images) == 1:
            return images[0]
        raise UsageError(f"{reference} holds {len(images)} images; put a colon and one name after it: {_shown(images)}")
    wanted = str(tagged(reference.name))
    for image in images:
        if any(str(tagged(name)) == wanted for name in _names(image)):
            return image
    raise NotFound(f"{reference} is not there; there is: {_shown(images)}")


def _names(image: dict[str, Any]) -> list[Name]:
    found = []
    for text in documents.sequence(image, "RepoTags", LIST_FILE):
        try:
            found.append(parse_name(text if isinstance(text, str) else ""))
        except UsageError:
            continue
    return found


def _shown(images: list[dict[str, Any]]) -> str:
    names = sorted(name.familiar for image in images for name in _names(image))
    return ", ".join(names[:20]) or "nothing with a name"


def _config(archive: ArchiveFile, name: str, limits: Limits) -> ImageConfig:
    config = parse_config(archive.read_document(name), f"{name[:200]!r} of {archive.path}", limits)
    told = _digest_in(name.removesuffix(".json"))
    if told is not None and told != config.digest:
        raise InvalidImage(
            f"the config {name[:200]!r} of {archive.path} has other content: its digest is {config.digest}"
        )
    return config


def _layer_members(chosen: dict[str, Any], reference: Reference, config: ImageConfig, limits: Limits) -> list[str]:
    members = documents.sequence(chosen, "Layers", LIST_FILE)
    if len(members) > limits.layers:
        raise LimitExceeded(f"{reference} lists {len(members)} layers", "layers")
    if not all(isinstance(member, str) for member in members):
        raise InvalidImage(f"{reference}: 'Layers' should hold text")
    if len(members) != len(config.diff_ids):
        raise InvalidImage(f"{reference} has {len(members)} layers, its config {len(config.diff_ids)} diff IDs")
    return list(members)


def _layer(archive: ArchiveFile, member: str, diff_id: Digest) -> Descriptor:
    with archive.open(member) as content:
        head = content.read(4)
    compression = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), Compression.NONE)
    digest = diff_id if compression is Compression.NONE else _digest_in(member) or _digest_of(archive, member)
    return Descriptor(layer_type(compression, docker=True), digest, archive.size_of(member))


def _digest_in(name: str) -> Digest | None:
    """The digest that a member's name tells, None when it tells none."""
    try:
        return parse_digest("sha256:" + name.removeprefix(_BLOBS))
    except InvalidImage:
        return None


def _digest_of(archive: ArchiveFile, member: str) -> Digest:
    found = hashlib.sha256()
    with archive.open(member) as content:
        while piece := content.read(_CHUNK):
            found.update(piece)
    return Digest(f"sha256:{found.hexdigest()}")
