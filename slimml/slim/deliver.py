"""Takes a slimmed image to its place, with what tells of it: the ledger, removed content, the order of use.

A registry and a layout hold them as artifacts of the image; these follow the image, whose digest there they name. An
archive has them in files of its name, and for an engine they lie in the user's data directory by digest (a label of
the image names its digest); these are written first, so that the image never lacks them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.oci.artifact import LEDGER, ORDER, REMOVED, Artifact
from slimml.oci.beneath import directory, told
from slimml.oci.beside import BesideFile
from slimml.oci.blobs import BlobStore
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import OCI_EMPTY
from slimml.oci.reference import Transport
from slimml.oci.transfer import Access, Receipt, open_image, write_artifact, write_image
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.oci.reference import Reference
    from slimml.slim.optimize import Slimmed

_ATTACHED = (Transport.REGISTRY, Transport.LAYOUT)
_ARCHIVES = (Transport.OCI_ARCHIVE, Transport.DOCKER_ARCHIVE)
_SUFFIX = {LEDGER: ".ledger.json", REMOVED: ".removed.tar.zst", ORDER: ".start-order.json"}
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Delivered:
    """Where everything is now: a file's path, or the digest of an artifact of the image. None: not kept."""

    receipt: Receipt
    ledger: str
    removed: str | None
    order: str | None = None


def deliver(
    slimmed: Slimmed,
    destination: Reference,
    access: Access | None = None,
    *,
    ledger: Path | None = None,
    progress: Progress = SILENT,
) -> Delivered:
    """Write the image and what belongs to it; `ledger` names one more file to write the ledger to.

    Raises what writing images and artifacts raises, and AccessDenied for a file that cannot be written.
    """
    if ledger is not None:
        _copy(slimmed.store, slimmed.ledger, ledger)
    blobs = [blob for blob in (slimmed.ledger, slimmed.removed, slimmed.order) if blob]
    if destination.transport in _ATTACHED:
        receipt = write_image(slimmed.image, destination, access, progress)
        subject = _subject(slimmed, receipt, access)
        kept: list[str] = [write_artifact(_artifact(slimmed, blob, subject), destination, access) for blob in blobs]
    else:
        kept = [_keep(slimmed, blob, destination) for blob in blobs]
        receipt = write_image(slimmed.image, destination, access, progress)
    places = dict(zip((blob.media_type for blob in blobs), kept, strict=True))
    return Delivered(receipt, str(ledger) if ledger else kept[0], places.get(REMOVED), places.get(ORDER))


def kept_blobs() -> BlobStore:
    """Ledgers and removed content of images in engines: slimml in XDG_DATA_HOME, else in ~/.local/share."""
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return BlobStore(base / "slimml" / "blobs")


def file_of(destination: Reference, artifact_type: str) -> Path:
    """The file beside an archive that holds its ledger or its removed content."""
    assert destination.path
    return Path(destination.path + _SUFFIX[artifact_type])


def _subject(slimmed: Slimmed, receipt: Receipt, access: Access | None) -> Descriptor:
    """The image as its place knows it: a layout makes an OCI image of a Docker one, with another manifest."""
    written = slimmed.image.manifest
    if written.digest != receipt.digest:
        written = open_image(receipt.reference, access).manifest
    return written.descriptor


def _keep(slimmed: Slimmed, blob: Descriptor, destination: Reference) -> str:
    if destination.transport in _ARCHIVES:
        file = file_of(destination, blob.media_type)
        _copy(slimmed.store, blob, file)
        return str(file)
    store = kept_blobs()
    store.put(blob, slimmed.store.open_blob(blob))
    return f"{store.path}/{blob.digest.replace(':', '/')}"


def _artifact(slimmed: Slimmed, blob: Descriptor, subject: Descriptor) -> Artifact:
    manifest = build_manifest(
        config=Descriptor(OCI_EMPTY, sha256(b"{}"), 2),
        layers=[blob],
        artifact_type=blob.media_type,
        subject=subject,
    )
    return Artifact(manifest, slimmed.store)


def _copy(store: BlobStore, blob: Descriptor, file: Path) -> None:
    """A blob under a name of its own, whole or not at all."""
    with directory(str(file.parent)) as root, store.open_blob(blob) as source, BesideFile(root, str(file)) as out:
        try:
            while piece := source.read(_CHUNK):
                out.write(piece)
        except OSError as error:
            raise told(error, str(file)) from None
        out.publish(file.name)
