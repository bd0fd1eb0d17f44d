"""Images of a container engine on this or another host: Docker, Podman (containers-transports(5), docker-daemon)."""

from slimml.oci.places.daemon.sink import write_image
from slimml.oci.places.daemon.source import open_image

__all__ = ["open_image", "write_image"]
