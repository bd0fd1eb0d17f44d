"""Images of a container engine on this or another host: Docker, Podman (containers-transports(5), docker-daemon)."""

from slimml.oci.image import Image
from slimml.oci.places.daemon.source import open_image
from slimml.oci.reference import Reference
from slimml.oci.transfer import Access, Receipt
from slimml.progress import SILENT, Progress

__all__ = ["open_image", "write_image"]


def write_image(
    image: Image, reference: Reference, access: Access | None = None, progress: Progress = SILENT
) -> Receipt:
    """Load `image` into an engine; see `sink.write_image`."""
    # Imported late: who only reads images of an engine does not wait for it.
    from slimml.oci.places.daemon.sink import write_image as load

    return load(image, reference, access, progress)
