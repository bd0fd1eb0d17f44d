"""Artifacts that belong to an image: a manifest whose `subject` is the image (image-spec manifest.md, referrers)."""

from dataclasses import dataclass

from slimml.oci.image import Blobs
from slimml.oci.manifest import Manifest

LEDGER = "application/vnd.slimml.ledger.v1+json"
"""artifact type and layer media type of a ledger"""
REMOVED = "application/vnd.slimml.removed.v1.tar+zstd"
"""artifact type and layer media type of the removed content"""
ORDER = "application/vnd.slimml.start-order.v1+json"
"""artifact type and layer media type of the order in which files are used"""


@dataclass(frozen=True)
class Artifact:
    """`manifest.subject` names the image, `manifest.artifact_type` says what this is; layers are its files."""

    manifest: Manifest
    blobs: Blobs
