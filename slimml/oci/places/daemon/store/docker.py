"""Images in Docker's own store, as its graph drivers keep them (moby, image/fs.go and layer/filestore.go)."""

import re

from slimml.errors import InvalidImage
from slimml.oci.digest import hex_of
from slimml.oci.image import Image
from slimml.oci.places.daemon.api.ask import Inspected
from slimml.oci.places.daemon.chain import chain_ids
from slimml.oci.places.daemon.store.documents import checked_config, files_of, image_of_layers, read_document
from slimml.oci.places.daemon.store.layers import StoredLayer
from slimml.oci.reference import Reference
from slimml.oci.transfer import Access

_NAME_BYTES = 256
_CACHE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,127}")


def docker_image(root: str, found: Inspected, reference: Reference, access: Access) -> Image:
    """The image out of Docker's root directory; raises NotFound, AccessDenied, InvalidImage, LimitExceeded."""
    base = f"image/{found.driver}"
    limit = access.limits.json_bytes
    raw = read_document(root, f"{base}/imagedb/content/sha256/{hex_of(found.id)}", limit)
    config = checked_config(raw, found.id, access.limits)
    layers = []
    for diff_id, chain_id in zip(config.diff_ids, chain_ids(config.diff_ids), strict=True):
        entry = f"{base}/layerdb/sha256/{hex_of(chain_id)}"
        if read_document(root, f"{entry}/diff", _NAME_BYTES) != diff_id.encode():
            raise InvalidImage(f"{root}/{entry} is not of layer {diff_id}")
        cache_id = read_document(root, f"{entry}/cache-id", _NAME_BYTES).decode("ascii", "replace")
        if not _CACHE_ID.fullmatch(cache_id):
            raise InvalidImage(f"{root}/{entry}/cache-id is malformed")
        layers.append(StoredLayer(diff_id, f"{entry}/tar-split.json.gz", files_of(found.driver, cache_id)))
    return image_of_layers(root, layers, config, reference, access.limits)
