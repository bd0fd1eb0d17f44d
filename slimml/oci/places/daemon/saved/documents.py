"""The documents of an image out of a saved archive: its config, and its manifest where the engine keeps one.

No other answer of the API has the config's exact bytes (`inspect` renders it anew, `history` rounds its times), so the
archive is read up to where it comes: among the layers, in the order of names, in Docker's archives, after them in
Podman's. It is kept (`known_configs`), so that this happens once for an image.
"""

from dataclasses import dataclass

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci import documents
from slimml.oci.config import ImageConfig, parse_config
from slimml.oci.digest import Digest, sha256
from slimml.oci.limits import Limits
from slimml.oci.manifest import Index, Manifest, parse_document
from slimml.oci.places.daemon.api.ask import Inspected
from slimml.oci.places.daemon.saved.members import ArchiveMembers
from slimml.oci.platform import Platform

_HEX = 64
_BLOBS = "blobs/sha256/"
_HELD_DOCUMENTS = 1000


@dataclass(frozen=True)
class Documents:
    """`manifest` is None where the engine keeps none (Docker's own store, Podman)."""

    manifest: Manifest | None
    config: ImageConfig


def find_documents(archive: ArchiveMembers, found: Inspected, platform: Platform, limits: Limits) -> Documents:
    """Read `archive` up to where the documents of the image are complete; raises InvalidImage when they never are.

    Raises LimitExceeded, NotFound when an index has nothing for `platform`, and what reading raises.
    """
    held: dict[Digest, bytes] = {}
    total = 0
    while (entry := archive.next()) is not None:
        digest = _document_digest(entry.path)
        if digest == found.id and entry.size > limits.json_bytes:
            raise LimitExceeded(f"the config or manifest of {found.id} has {entry.size} bytes", "json_bytes")
        if digest is None or digest in found.diff_ids or entry.size > limits.json_bytes:
            continue
        raw = archive.read_document(limits.json_bytes)
        if raw is None or raw.lstrip()[:1] != b"{" or sha256(raw) != digest:
            continue
        held[digest] = raw
        total += len(raw)
        if total > limits.json_bytes or len(held) > _HELD_DOCUMENTS:
            raise LimitExceeded(f"the documents saved with {found.id} have over {total} bytes", "json_bytes")
        complete = _complete(held, found.id, platform, limits)
        if complete is not None:
            return complete
    raise InvalidImage(f"the archive that the engine saves of {found.id} does not have its config")


def _document_digest(path: str) -> Digest | None:
    """What the member's name says its digest is: `HEX.json`, or `blobs/sha256/HEX` as in an OCI layout."""
    name = path.removeprefix(_BLOBS) if path.startswith(_BLOBS) else path.removesuffix(".json")
    is_hex = name != path and len(name) == _HEX and not set(name) - set("0123456789abcdef")
    return Digest(f"sha256:{name}") if is_hex else None


def _complete(held: dict[Digest, bytes], image_id: Digest, platform: Platform, limits: Limits) -> Documents | None:
    wanted, what = image_id, f"the image {image_id}"
    for _ in range(limits.index_depth + 1):
        raw = held.get(wanted)
        if raw is None:
            return None
        if "rootfs" in documents.load_object(raw, what, limits):
            return Documents(None, parse_config(raw, what, limits))
        document = parse_document(raw, None, what, limits)
        if isinstance(document, Index):
            wanted = document.choose(platform).digest
            continue
        config = held.get(document.config.digest)
        return None if config is None else Documents(document, parse_config(config, f"the config of {what}", limits))
    raise LimitExceeded(f"{what}: an index leads to an index {limits.index_depth} times over", "index_depth")
