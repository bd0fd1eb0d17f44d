"""Images read from an engine's own files, where slimml may: no archive has to be made and sent.

Images are found there by ID, and the documents must hash to it. So it does not matter whether the files are truly
those of the engine that was asked: they are the same image.
"""

import os

from slimml.errors import AccessDenied, InvalidImage, NotFound
from slimml.oci import documents
from slimml.oci.image import Image
from slimml.oci.places.daemon.api.ask import Engine, Inspected
from slimml.oci.places.daemon.store.containerd import content_store_image
from slimml.oci.places.daemon.store.docker import docker_image
from slimml.oci.places.daemon.store.podman import podman_config, podman_image
from slimml.oci.reference import Reference
from slimml.oci.transfer import Access

_WAYS = (docker_image, podman_image, content_store_image)
_NOT_THERE = (NotFound, AccessDenied, InvalidImage)


def store_image(engine: Engine, found: Inspected, reference: Reference, access: Access) -> Image | None:
    """The image out of the engine's files; None where they are on another host, not readable or of another form."""
    # An engine without root keeps files of other (mapped) users, which its own user cannot read.
    if os.geteuid() != 0 or (root := _root(engine, found)) is None:
        return None
    for way in _WAYS:
        try:
            return way(root, found, reference, access)
        except _NOT_THERE:
            continue
    return None


def store_config(engine: Engine, found: Inspected, access: Access) -> bytes | None:
    """The exact bytes of the image's config out of a Podman's files, which that Podman's user may read; else None."""
    root = _root(engine, found)
    try:
        return podman_config(root, found, access) if root is not None else None
    except _NOT_THERE:
        return None


def _root(engine: Engine, found: Inspected) -> str | None:
    if engine.address.socket_path is None:
        return None
    if found.root is not None:
        return found.root  # asking Podman takes half a second
    root = documents.text(engine.info(), "DockerRootDir", str(engine.address), default="")
    return root if root.startswith("/") else None
