"""Small files of an engine's store, read with bounds, and what both kinds of graph driver store have in common."""

import os
from collections.abc import Sequence

from slimml.errors import InvalidImage, LimitExceeded, NotFound
from slimml.oci.beneath import directory, open_file
from slimml.oci.config import ImageConfig, parse_config
from slimml.oci.digest import Digest
from slimml.oci.image import Image
from slimml.oci.limits import Limits
from slimml.oci.places.daemon.plain_image import plain_image
from slimml.oci.places.daemon.store.layers import LayerStore, StoredLayer
from slimml.oci.reference import Reference

_FILES = {"overlay2": "overlay2/{}/diff", "overlay": "overlay/{}/diff", "vfs": "vfs/dir/{}"}


def files_of(driver: str, name: str) -> str:
    """The directory of a layer's files, relative to the store's root; raises NotFound for a driver without one."""
    form = _FILES.get(driver)
    if form is None:
        raise NotFound(f"storage driver {driver!r} keeps no files that slimml reads")
    return form.format(name)


def read_document(root: str, relative: str, limit: int) -> bytes:
    """The file `relative` beneath `root`; raises NotFound, AccessDenied, InvalidImage, LimitExceeded."""
    what = f"{root}/{relative}"
    with directory(root) as beneath:
        descriptor = open_file(beneath, relative, what)
    with os.fdopen(descriptor, "rb") as file:
        found = file.read(limit + 1)
    if len(found) > limit:
        raise LimitExceeded(f"{what} has more than {limit} bytes", "json_bytes")
    return found


def checked_config(raw: bytes, image_id: Digest, limits: Limits) -> ImageConfig:
    """The config in `raw`; raises InvalidImage unless it is the one that `image_id` names."""
    config = parse_config(raw, f"the config of {image_id}", limits)
    if config.digest != image_id:
        raise InvalidImage(f"the config of {image_id} has digest {config.digest} in the engine's store")
    return config


def image_of_layers(
    root: str, layers: Sequence[StoredLayer], config: ImageConfig, reference: Reference, limits: Limits
) -> Image:
    """The image of a config and its layers in a store; raises NotFound, AccessDenied where one is missing."""
    store = LayerStore(root, layers, limits)
    store.check()
    return plain_image(reference, config, store, store)
