"""OCI image layouts in a directory, `oci:DIR[:tag]`: source, sink, and the artifacts beside an image.

Follows image-spec image-layout.md. A layout comes from strangers: nothing beneath DIR may be a link or a special file.
A new layout is made beside and renamed; in one that exists blobs come first and `index.json` is replaced last, under a
lock on the directory, so that two writers keep each other's entries. Blobs that nothing names any more stay.
"""

import fcntl
import os

from slimml.errors import LimitExceeded, NotFound, Refused
from slimml.oci.artifact import Artifact
from slimml.oci.beneath import directory, open_file, told
from slimml.oci.beside import BesideDirectory, BesideFile, sweep
from slimml.oci.blobs import BlobStore
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest
from slimml.oci.image import Image
from slimml.oci.limits import Limits
from slimml.oci.manifest import Index
from slimml.oci.places import layout_index
from slimml.oci.places.layout_artifacts import artifacts_among, store_artifact
from slimml.oci.places.layout_index import BLOBS_DIRECTORY, INDEX_FILE, MARKER, MARKER_FILE
from slimml.oci.reference import Reference
from slimml.oci.resolve import image_of, resolve
from slimml.oci.store_image import Stored, store_image
from slimml.oci.transfer import Access, Receipt
from slimml.oci.window import Window
from slimml.progress import Progress


def open_image(reference: Reference, access: Access) -> Image:
    """The image in a layout; raises NotFound, UsageError (several, none named), InvalidImage, LimitExceeded."""
    path = _path(reference)
    index = _read_index(path, access.limits)
    entry = layout_index.choose(index, reference, access.platform)
    store = BlobStore(path, BLOBS_DIRECTORY)
    manifest = resolve(store, entry, access.platform, str(reference), access.limits)
    return image_of(reference, manifest, store, access.limits)


def write_image(image: Image, reference: Reference, access: Access, progress: Progress) -> Receipt:
    """Put `image` into a new layout or one that is there, as an OCI image under the ref name `reference.tag`.

    Raises Refused when the directory holds something else, and what reading the image raises.
    """
    path = _path(reference)
    fresh = not os.path.lexists(path) or (os.path.isdir(path) and not os.listdir(path))
    stored = _write_new(image, path, reference, access, progress) if fresh else None
    if stored is None:
        stored = _write_into(image, path, reference, access, progress)
    return Receipt(reference, stored.image.manifest.digest, stored.written_bytes, stored.reused_bytes)


def write_artifact(artifact: Artifact, subject: Reference, access: Access) -> Digest:
    """Add `artifact` to the layout that holds its subject; the same artifact is kept once."""
    path = _path(subject)
    _read_index(path, access.limits)
    with directory(path) as root:
        sweep(root)
        store_artifact(artifact, BlobStore(path, BLOBS_DIRECTORY))
        kind = artifact.manifest.artifact_type
        described = artifact.manifest.descriptor
        entry = Descriptor(described.media_type, described.digest, described.size, artifact_type=kind)
        _enter(root, path, entry, access.limits)
    return described.digest


def find_artifacts(subject: Reference, digest: Digest, artifact_type: str, access: Access) -> list[Artifact]:
    """The artifacts of a type whose subject is the manifest `digest`; [] when there are none."""
    path = _path(subject)
    index = _read_index(path, access.limits)
    return artifacts_among(index, BlobStore(path, BLOBS_DIRECTORY), digest, artifact_type, access.limits)


def _path(reference: Reference) -> str:
    assert reference.path
    return os.path.abspath(reference.path)


def _read_index(path: str, limits: Limits) -> Index:
    with directory(path) as root:
        try:
            marker = _read(root, MARKER_FILE, path, limits)
        except NotFound:
            raise NotFound(f"{path} is no OCI image layout: it has no file {MARKER_FILE!r}") from None
        layout_index.check_marker(marker, f"{path}/{MARKER_FILE}", limits)
        raw = _read(root, INDEX_FILE, path, limits)
    return layout_index.parse_index(raw, f"{path}/{INDEX_FILE}", limits)


def _read(root: int, name: str, path: str, limits: Limits) -> bytes:
    found = open_file(root, name, f"{path}/{name}")
    size = os.fstat(found).st_size
    with Window(found, 0, size) as window:
        if size > limits.json_bytes:
            raise LimitExceeded(f"{path}/{name} has {size} bytes of JSON", "json_bytes")
        return window.read()


def _write_new(image: Image, path: str, reference: Reference, access: Access, progress: Progress) -> Stored | None:
    """None when somebody else was quicker to take the name."""
    parent, name = os.path.split(path)
    try:
        os.makedirs(parent, exist_ok=True)
    except OSError as error:
        raise told(error, parent) from None
    with directory(parent) as root:
        sweep(root)
        with BesideDirectory(root, path) as new:
            inside = os.path.join(parent, new.name)
            stored = store_image(image, BlobStore(inside, BLOBS_DIRECTORY), access.limits, progress)
            entry = layout_index.entry_of(stored.image.manifest.descriptor, reference.tag)
            with directory(inside) as layout:
                _replace(layout, MARKER_FILE, MARKER, path)
                index = layout_index.with_entry(None, entry, path, access.limits)
                _replace(layout, INDEX_FILE, index, path)
            return stored if new.publish(name) else None


def _write_into(image: Image, path: str, reference: Reference, access: Access, progress: Progress) -> Stored:
    if not os.path.isdir(path):
        raise Refused(f"{path} is a file, not a directory; name a new directory, or use oci-archive:{path}")
    with directory(path) as root:
        try:
            marker = _read(root, MARKER_FILE, path, access.limits)
        except NotFound:
            raise Refused(f"{path} is not empty and no OCI image layout; name a new directory") from None
        layout_index.check_marker(marker, f"{path}/{MARKER_FILE}", access.limits)
        sweep(root)
        stored = store_image(image, BlobStore(path, BLOBS_DIRECTORY), access.limits, progress)
        _enter(root, path, layout_index.entry_of(stored.image.manifest.descriptor, reference.tag), access.limits)
    return stored


def _enter(root: int, path: str, entry: Descriptor, limits: Limits) -> None:
    # The lock goes with the descriptor, which the caller closes.
    fcntl.flock(root, fcntl.LOCK_EX)
    try:
        old: bytes | None = _read(root, INDEX_FILE, path, limits)
    except NotFound:
        old = None
    _replace(root, INDEX_FILE, layout_index.with_entry(old, entry, f"{path}/{INDEX_FILE}", limits), path)


def _replace(root: int, name: str, data: bytes, path: str) -> None:
    with BesideFile(root, f"{path}/{name}") as file:
        file.write(data)
        file.publish(name)
