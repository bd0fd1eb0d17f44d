"""Images in Podman's store (containers/storage, images.go and layers.go)."""

import re
from base64 import b64encode
from typing import TypeVar

import msgspec

from slimml.errors import InvalidImage, NotFound
from slimml.oci.digest import hex_of
from slimml.oci.image import Image
from slimml.oci.places.daemon.api.ask import Inspected
from slimml.oci.places.daemon.store.documents import checked_config, files_of, image_of_layers, read_document
from slimml.oci.places.daemon.store.layers import StoredLayer
from slimml.oci.reference import Reference
from slimml.oci.transfer import Access

_TABLE_BYTES = 256 << 20
"""images.json and layers.json tell of all images there are"""
_ID = re.compile(r"[0-9a-f]{64}")

_T = TypeVar("_T")


class _Layer(msgspec.Struct, rename="kebab"):
    id: str
    parent: str = ""
    diff_digest: str = ""


class _Image(msgspec.Struct):
    id: str
    layer: str = ""


def podman_config(root: str, found: Inspected, access: Access) -> bytes:
    """The exact bytes of the image's config; raises NotFound, AccessDenied, InvalidImage, LimitExceeded."""
    name = b64encode(found.id.encode()).decode()
    path = f"{found.driver}-images/{hex_of(found.id)}/={name}"
    return checked_config(read_document(root, path, access.limits.json_bytes), found.id, access.limits).raw


def podman_image(root: str, found: Inspected, reference: Reference, access: Access) -> Image:
    """The image out of Podman's graph root; raises NotFound, AccessDenied, InvalidImage, LimitExceeded."""
    config = checked_config(podman_config(root, found, access), found.id, access.limits)
    images = _table(root, f"{found.driver}-images/images.json", list[_Image])
    known = {layer.id: layer for layer in _table(root, f"{found.driver}-layers/layers.json", list[_Layer])}
    above = next((image.layer for image in images if image.id == hex_of(found.id)), "")
    layers = []
    for diff_id in reversed(config.diff_ids):
        layer = known.get(above)
        if layer is None or layer.diff_digest != diff_id or not _ID.fullmatch(layer.id):
            raise NotFound(f"layer {diff_id} is not in {root}")
        tar_split = f"{found.driver}-layers/{layer.id}.tar-split.gz"
        layers.append(StoredLayer(diff_id, tar_split, files_of(found.driver, layer.id)))
        above = layer.parent
    return image_of_layers(root, layers, config, reference, access.limits)


def _table(root: str, relative: str, form: type[_T]) -> _T:
    try:
        return msgspec.json.decode(read_document(root, relative, _TABLE_BYTES), type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidImage(f"{root}/{relative} is not in the form of Podman's store: {error}") from None
