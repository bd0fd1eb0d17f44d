"""The documents of an OCI image layout: `oci-layout` and `index.json` (image-spec image-layout.md)."""

from collections.abc import Sequence
from typing import Any

from slimml.errors import InvalidImage, NotFound, Unsupported, UsageError
from slimml.oci import documents
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest
from slimml.oci.limits import Limits
from slimml.oci.manifest import Index, parse_document
from slimml.oci.media_types import OCI_INDEX
from slimml.oci.platform import Platform
from slimml.oci.reference import Name, Reference, parse_name
from slimml.oci.resolve import images_among

MARKER_FILE = "oci-layout"
INDEX_FILE = "index.json"
BLOBS_DIRECTORY = "blobs"

MARKER = documents.dump_canonical({"imageLayoutVersion": "1.0.0"})
REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


def check_marker(raw: bytes, what: str, limits: Limits) -> None:
    """Raises unless `raw` is the `oci-layout` file of a version that we read (1.x)."""
    version = documents.text(documents.load_object(raw, what, limits), "imageLayoutVersion", what)
    if not version.startswith("1."):
        raise Unsupported(f"{what}: image layout version {version[:20]!r} is not known; slimml reads 1.x")


def parse_index(raw: bytes, what: str, limits: Limits) -> Index:
    """The `index.json` in `raw`; raises InvalidImage, LimitExceeded."""
    found = parse_document(raw, OCI_INDEX, what, limits)
    if not isinstance(found, Index):
        raise InvalidImage(f"{what} is no image index")
    return found


def choose(index: Index, reference: Reference, platform: Platform) -> Descriptor:
    """The entry that `reference` names: by ref name, by containerd's name, by digest; without a tag the only one.

    Several entries under one name are told apart by platform. Raises NotFound and UsageError, naming what is there.
    """
    images = images_among(index)
    if reference.tag is not None:
        found = [d for d in images if _answers(d, reference.tag)]
        if not found:
            raise NotFound(f"{reference} is not there; there is: {_names(images)}")
    else:
        found = list(images)
        if not found:
            raise NotFound(f"{reference} holds no image")
    if len({d.digest for d in found}) == 1:
        return found[0]
    if all(d.platform is not None for d in found) and len({_name(d) for d in found}) == 1:
        return Index(index.raw, index.media_type, tuple(found), {}).choose(platform)
    raise UsageError(f"{reference} holds several images; put a colon and one name after it: {_names(images)}")


def _answers(found: Descriptor, tag: str) -> bool:
    containerd = found.annotations.get(CONTAINERD_NAME)
    if tag in (found.annotations.get(REF_NAME), containerd, found.digest):
        return True
    return containerd is not None and containerd == _full_name(tag)


def _full_name(tag: str) -> str | None:
    try:
        return str(tagged(parse_name(tag)))
    except UsageError:
        return None


def tagged(name: Name) -> Name:
    """The name with its tag spelled out."""
    return Name(name.registry, name.repository, name.tag or "latest", name.digest)


def _name(found: Descriptor) -> str | None:
    return found.annotations.get(REF_NAME) or found.annotations.get(CONTAINERD_NAME)


def _names(found: Sequence[Descriptor]) -> str:
    names = sorted({_name(d) or d.digest for d in found})
    shown = ", ".join(_printable(name[:200]) for name in names[:20]) or "nothing"
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _printable(name: str) -> str:
    # A name is a stranger's text, which must not reach a terminal as control characters.
    return name if name.isprintable() else repr(name)


def entry_of(descriptor: Descriptor, tag: str | None) -> Descriptor:
    """What the index says of a manifest that gets the name `tag`."""
    annotations = {REF_NAME: tag} if tag else {}
    return Descriptor(
        descriptor.media_type, descriptor.digest, descriptor.size, annotations, artifact_type=descriptor.artifact_type
    )


def with_entry(raw: bytes | None, entry: Descriptor, what: str, limits: Limits) -> bytes:
    """`index.json` with `entry` in it; None stands for a layout that has none yet.

    An older entry of the same ref name makes way, as does one of the same digest without a name. Everything else that
    the document says stays as it is.
    """
    obj: dict[str, Any] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    if raw is not None:
        parse_index(raw, what, limits)
        obj = documents.load_object(raw, what, limits)
    name = entry.annotations.get(REF_NAME)
    obj["manifests"] = [old for old in obj["manifests"] or () if not _replaced(old, name, entry.digest)]
    obj["manifests"].append(entry.to_json())
    return documents.dump_canonical(obj)


def _replaced(old: dict[str, Any], name: str | None, digest: Digest) -> bool:
    old_name = (old.get("annotations") or {}).get(REF_NAME)
    if old_name is None:
        return bool(old["digest"] == digest)
    return bool(old_name == name)
