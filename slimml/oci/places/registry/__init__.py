"""Images in registries: OCI distribution-spec 1.1 and Docker Registry v2, on urllib3."""

from slimml.oci.places.registry.referrers import find_artifacts, write_artifact
from slimml.oci.places.registry.sink import write_image
from slimml.oci.places.registry.source import open_image

__all__ = ["find_artifacts", "open_image", "write_artifact", "write_image"]
