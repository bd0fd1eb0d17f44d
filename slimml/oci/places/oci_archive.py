"""OCI image layouts in a tar file, `oci-archive:FILE[:tag]`: source and sink (image-spec image-layout.md)."""

from slimml.errors import NotFound
from slimml.oci.archive_file import ArchiveFile
from slimml.oci.archive_writer import ArchiveWriter, new_archive
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, algorithm_of, hex_of
from slimml.oci.formats import as_oci
from slimml.oci.image import Image
from slimml.oci.places import layout_index
from slimml.oci.places.archive_blobs import ArchiveBlobs
from slimml.oci.places.layout_index import BLOBS_DIRECTORY, INDEX_FILE, MARKER, MARKER_FILE
from slimml.oci.reference import Reference
from slimml.oci.resolve import image_of, resolve
from slimml.oci.transfer import Access, Receipt
from slimml.oci.verified_layer import may_be_missing, verified_layer
from slimml.progress import Progress


def open_image(reference: Reference, access: Access) -> Image:
    """The image in an archive; raises NotFound, UsageError (several, none named), InvalidImage, Unsupported."""
    assert reference.path
    archive = ArchiveFile(reference.path, access.limits)
    if MARKER_FILE not in archive.names:
        raise NotFound(f"{reference.path} is no OCI archive: it has no member {MARKER_FILE!r}")
    layout_index.check_marker(archive.read_document(MARKER_FILE), f"{MARKER_FILE} of {reference.path}", access.limits)
    raw = archive.read_document(INDEX_FILE)
    index = layout_index.parse_index(raw, f"{INDEX_FILE} of {reference.path}", access.limits)
    entry = layout_index.choose(index, reference, access.platform)
    blobs = ArchiveBlobs(archive)
    manifest = resolve(blobs, entry, access.platform, str(reference), access.limits)
    return image_of(reference, manifest, blobs, access.limits)


def write_image(image: Image, reference: Reference, access: Access, progress: Progress) -> Receipt:
    """Write `image` as an archive with one OCI image, replacing the file that is there.

    Raises Refused where something else than a file is, and what reading the image raises.
    """
    assert reference.path
    with new_archive(reference.path) as archive:
        archive.directory(BLOBS_DIRECTORY)
        image, written = _write_layers(image, archive, access, progress)
        for descriptor, raw in (
            (image.manifest.config, image.config.raw),
            (image.manifest.descriptor, image.manifest.raw),
        ):
            archive.document(_name(descriptor), raw)
            written += len(raw)
        entry = layout_index.entry_of(image.manifest.descriptor, reference.tag)
        archive.document(INDEX_FILE, layout_index.with_entry(None, entry, reference.path, access.limits))
        archive.document(MARKER_FILE, MARKER)
    return Receipt(reference, image.manifest.digest, written, 0)


def _write_layers(image: Image, archive: ArchiveWriter, access: Access, progress: Progress) -> tuple[Image, int]:
    """The image in OCI form with every size known, and the bytes of its layers."""
    sizes: dict[Digest, int] = {}
    sources = {(layer.descriptor.digest, layer.diff_id): layer for layer in image.layers}
    known = all(layer.descriptor.size != UNKNOWN_SIZE for layer in image.layers)
    algorithms = {algorithm_of(layer.descriptor.digest) for layer in image.layers} | {"sha256"}
    for algorithm in sorted(algorithms | {algorithm_of(image.manifest.config.digest)}):
        archive.directory(f"{BLOBS_DIRECTORY}/{algorithm}")
    total = sum(layer.descriptor.size for layer in sources.values()) if known else None
    with progress.task("writing layers", total) as task:
        for layer in sources.values():
            try:
                stream = verified_layer(layer, access.limits)
            except NotFound:
                if may_be_missing(layer):
                    continue
                raise
            size = archive.content(_name(layer.descriptor), stream, layer.descriptor.size, task.advance)
            sizes[layer.descriptor.digest] = size
    return as_oci(image, sizes), sum(sizes.values())


def _name(descriptor: Descriptor) -> str:
    return f"{BLOBS_DIRECTORY}/{algorithm_of(descriptor.digest)}/{hex_of(descriptor.digest)}"
