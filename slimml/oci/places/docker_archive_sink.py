"""Images as `docker load` takes them: `manifest.json`, the config, and a tar per layer (moby image/tarexport)."""

import json
from collections.abc import Callable

from slimml.oci.archive_writer import ArchiveWriter, new_archive
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.digest import Digest, hex_of
from slimml.oci.image import Image, Layer
from slimml.oci.limits import Limits
from slimml.oci.media_types import Compression
from slimml.oci.reference import Name, Reference
from slimml.oci.transfer import Access, Receipt
from slimml.oci.verified_layer import verified_layer, verified_tar
from slimml.progress import Progress


def write_image(image: Image, reference: Reference, access: Access, progress: Progress) -> Receipt:
    """Write `image` as an archive with one image, replacing the file that is there.

    Gzip layers stay as they are; zstd layers are decompressed, since engines before Docker 23 cannot read them. Raises
    Refused where something else than a file is, and what reading the image raises.
    """
    assert reference.path
    written = 0
    members: dict[Digest, str] = {}
    with new_archive(reference.path) as archive:
        with progress.task("writing layers", _total(image)) as task:
            for layer in image.layers:
                if layer.diff_id not in members:
                    members[layer.diff_id] = _member(layer)
                    written += _write_layer(archive, members[layer.diff_id], layer, access.limits, task.advance)
        config = f"{hex_of(image.config.digest)}.json"
        archive.document(config, image.config.raw)
        layers = [members[layer.diff_id] for layer in image.layers]
        tags = [_tag(reference.name)] if reference.name else None
        listed = json.dumps([{"Config": config, "RepoTags": tags, "Layers": layers}]).encode()
        archive.document("manifest.json", listed)
    return Receipt(reference, image.manifest.digest, written + len(image.config.raw), 0)


def _total(image: Image) -> int | None:
    sizes = [layer.descriptor.size for layer in {layer.diff_id: layer for layer in image.layers}.values()]
    return None if UNKNOWN_SIZE in sizes else sum(sizes)


def _tag(name: Name) -> str:
    return Name(name.registry, name.repository, name.tag).familiar


def _member(layer: Layer) -> str:
    # Tools that go by the name, such as dive, take .tar for plain and .tar.gz for compressed.
    if layer.compression is Compression.GZIP:
        return f"{hex_of(layer.diff_id)}.tar.gz"
    return f"{hex_of(layer.diff_id)}/layer.tar"


def _write_layer(
    archive: ArchiveWriter, member: str, layer: Layer, limits: Limits, advance: Callable[[int], None]
) -> int:
    if layer.compression is Compression.ZSTD:
        return archive.content(member, verified_tar(layer, limits, advance), UNKNOWN_SIZE, _ignore)
    return archive.content(member, verified_layer(layer, limits), layer.descriptor.size, advance)


def _ignore(amount: int) -> None:
    del amount
