"""Opening an image in a registry."""

from slimml.errors import LimitExceeded
from slimml.oci.image import Image
from slimml.oci.manifest import Manifest
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.patience import PATIENCE, Patience
from slimml.oci.places.registry.repository import Repository
from slimml.oci.reference import Reference
from slimml.oci.resolve import image_of
from slimml.oci.transfer import Access


def open_image(reference: Reference, access: Access, patience: Patience = PATIENCE) -> Image:
    """The image that `reference` names in its registry; of an index, the one for `access.platform`.

    Manifest and config are read and verified, layers wait until they are opened. Raises NotFound, AccessDenied,
    Unavailable, InvalidImage, LimitExceeded, Unsupported.
    """
    assert reference.name
    repository = Repository(Client(reference.name, access, patience))
    manifest = _choose_manifest(repository, reference.name.selector)
    return image_of(reference, manifest, repository, access.limits)


def _choose_manifest(repository: Repository, selector: str) -> Manifest:
    """The manifest that a tag or digest leads to, through at most `Limits.index_depth` indexes."""
    access = repository.client.access
    for _ in range(access.limits.index_depth + 1):
        found = repository.document(selector)
        if isinstance(found, Manifest):
            return found
        selector = found.choose(access.platform).digest
    raise LimitExceeded(f"{repository.client}: indexes nest deeper than {access.limits.index_depth}", "index_depth")
