"""Artifacts in an image layout: manifests in `index.json` whose `subject` is an image (image-spec manifest.md)."""

from slimml.errors import SlimmlError
from slimml.oci.artifact import Artifact
from slimml.oci.blobs import BlobStore
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest, sha256
from slimml.oci.image import Blobs
from slimml.oci.limits import Limits
from slimml.oci.manifest import Index, Manifest, parse_document
from slimml.oci.media_types import MANIFESTS
from slimml.oci.verify import verified_bytes

_EMPTY = b"{}"


def store_artifact(artifact: Artifact, store: BlobStore) -> None:
    """Put the artifact's files, its config and its manifest into the store, verified."""
    manifest = artifact.manifest
    for descriptor in (*manifest.layers, manifest.config):
        if descriptor.digest == sha256(_EMPTY):
            store.put_bytes(descriptor, _EMPTY)
        else:
            store.put(descriptor, artifact.blobs.open_blob(descriptor))
    store.put_bytes(manifest.descriptor, manifest.raw)


def artifacts_among(index: Index, blobs: Blobs, subject: Digest, kind: str, limits: Limits) -> list[Artifact]:
    """The artifacts of type `kind` that belong to the manifest `subject`; unreadable entries of others are passed."""
    found = []
    for entry in index.manifests:
        if entry.media_type in MANIFESTS and entry.artifact_type in (None, kind):
            manifest = _read(entry, blobs, limits)
            if manifest and manifest.subject and manifest.subject.digest == subject and kind_of(manifest) == kind:
                found.append(Artifact(manifest, blobs))
    return found


def kind_of(manifest: Manifest) -> str:
    """An artifact's type; older ones say it with their config's media type (image-spec manifest.md, artifactType)."""
    return manifest.artifact_type or manifest.config.media_type


def _read(entry: Descriptor, blobs: Blobs, limits: Limits) -> Manifest | None:
    try:
        raw = verified_bytes(blobs, entry, f"manifest {entry.digest}", limits)
        document = parse_document(raw, entry.media_type, f"manifest {entry.digest}", limits)
    except SlimmlError:
        return None
    return document if isinstance(document, Manifest) else None
