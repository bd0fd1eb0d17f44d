"""Puts copies of images that slimml made itself into a registry, and takes them out again."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from slimml.errors import SlimmlError

if TYPE_CHECKING:
    from slimml.oci.image import Image
    from slimml.oci.reference import Name
    from slimml.oci.transfer import Access

_GONE = (200, 202, 404)


def publish(image: Image, name: Name, access: Access) -> None:
    """Push `image`. The registry checks its digests; nobody reads the layers once more, unlike `write_image`.

    Raises AccessDenied, Unavailable, and what opening the layers raises.
    """
    from slimml.oci.places.registry.client import Client
    from slimml.oci.places.registry.repository import Repository
    from slimml.oci.places.registry.upload import push_blob

    repository = Repository(Client(name, access))
    for layer in {layer.descriptor.digest: layer for layer in image.layers}.values():
        push_blob(repository, layer.descriptor, layer.open, None, _ignore)
    push_blob(repository, image.manifest.config, partial(_Bytes, image.config.raw), None, _ignore)
    repository.put_document(image.manifest.raw, image.manifest.media_type, name.selector)


def withdraw(image: Image, name: Name, access: Access) -> str | None:
    """Delete the manifest of what was published; why the registry keeps it, in words, None where it does not.

    Its blobs go when the registry collects its garbage.
    """
    from slimml.oci.places.registry.client import Client

    client = Client(name, access)
    scope = f"repository:{client.repository}:delete"
    try:
        answer = client.send("DELETE", client.url(f"manifests/{image.manifest.digest}"), scopes=(scope,))
        answer.discard()
    except SlimmlError as error:
        return f"{name} is still in the registry ({error})"
    return None if answer.status in _GONE else f"{name} is still in the registry (it answers {answer.status} to DELETE)"


class _Bytes(BytesIO):
    def __exit__(self, *exc: object) -> None:
        self.close()


def _ignore(amount: int) -> None:
    del amount
