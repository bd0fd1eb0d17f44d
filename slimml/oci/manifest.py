"""Manifests and indexes: OCI (image-spec manifest.md, image-index.md) and Docker schema 2, raw bytes kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slimml.errors import InvalidImage, LimitExceeded, NotFound, Unsupported
from slimml.oci import documents, media_types
from slimml.oci.descriptor import Descriptor, descriptor_from_json
from slimml.oci.digest import Digest, sha256
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.platform import Platform


@dataclass(frozen=True)
class Manifest:
    """One image (or artifact). `raw` are the bytes whose digest names it."""

    raw: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]
    artifact_type: str | None
    subject: Descriptor | None

    @property
    def digest(self) -> Digest:
        """SHA-256 of the raw bytes."""
        return sha256(self.raw)

    @property
    def descriptor(self) -> Descriptor:
        """What an index or a referrer says of this manifest."""
        return Descriptor(self.media_type, self.digest, len(self.raw))


@dataclass(frozen=True)
class Index:
    """Several manifests under one name."""

    raw: bytes
    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str]

    @property
    def digest(self) -> Digest:
        """SHA-256 of the raw bytes."""
        return sha256(self.raw)

    def choose(self, platform: Platform) -> Descriptor:
        """The manifest for `platform`; attestations are never chosen. Raises NotFound naming what is there."""
        images = [d for d in self.manifests if "vnd.docker.reference.type" not in d.annotations]
        for found in images:
            if found.platform is not None and found.platform.serves(platform):
                return found
        if len(images) == 1 and images[0].platform is None:
            return images[0]
        there = ", ".join(sorted({str(d.platform) for d in images if d.platform})) or "none named"
        there = there.encode("unicode_escape").decode()[:400]
        raise NotFound(f"no image for {platform}; there is: {there}; choose with --platform")


def parse_document(raw: bytes, media_type: str | None, what: str, limits: Limits = DEFAULT_LIMITS) -> Manifest | Index:
    """The manifest or index in `raw`.

    `media_type` is what the place said it is (a Content-Type, a descriptor), None when it said nothing. A document
    that says another type of itself, or that has both `manifests` and `layers`, is refused (CVE-2021-41190).
    Raises InvalidImage, LimitExceeded, Unsupported.
    """
    obj = documents.load_object(raw, what, limits)
    own = documents.text(obj, "mediaType", what, default="")
    said = (media_type or "").partition(";")[0].strip()
    said = said if said in media_types.INDEXES | media_types.MANIFESTS else ""
    if own and said and own != said:
        raise InvalidImage(f"{what} calls itself {own[:80]!r} but was announced as {said!r} (CVE-2021-41190)")
    if obj.get("schemaVersion") == 1:
        raise Unsupported(f"{what} is a Docker schema 1 manifest, which registries dropped; push the image again")
    if "manifests" in obj and ("layers" in obj or "config" in obj):
        raise InvalidImage(f"{what} has both 'manifests' and 'layers' (CVE-2021-41190)")
    kind = own or said or (media_types.OCI_INDEX if "manifests" in obj else media_types.OCI_MANIFEST)
    if kind in media_types.INDEXES:
        return _index(raw, kind, obj, what, limits)
    if kind in media_types.MANIFESTS:
        return _manifest(raw, kind, obj, what, limits)
    raise Unsupported(f"{what} has media type {kind[:80]!r}, which is no image manifest or index")


def _descriptors(items: Sequence[object], what: str, limits: Limits) -> tuple[Descriptor, ...]:
    if len(items) > limits.layers:
        raise LimitExceeded(f"{what} lists {len(items)} blobs", "layers")
    return tuple(descriptor_from_json(item, what) for item in items)


def _index(raw: bytes, kind: str, obj: dict[str, Any], what: str, limits: Limits) -> Index:
    if "manifests" not in obj:
        raise InvalidImage(f"{what} is an index without 'manifests'")
    found = _descriptors(documents.sequence(obj, "manifests", what), what, limits)
    return Index(raw, kind, found, documents.strings(obj, "annotations", what))


def _manifest(raw: bytes, kind: str, obj: dict[str, Any], what: str, limits: Limits) -> Manifest:
    if "config" not in obj or "layers" not in obj:
        raise InvalidImage(f"{what} is a manifest without 'config' or 'layers'")
    subject = obj.get("subject")
    return Manifest(
        raw=raw,
        media_type=kind,
        config=descriptor_from_json(obj["config"], what),
        layers=_descriptors(documents.sequence(obj, "layers", what), what, limits),
        annotations=documents.strings(obj, "annotations", what),
        artifact_type=documents.text(obj, "artifactType", what, default="") or None,
        subject=descriptor_from_json(subject, what) if subject is not None else None,
    )


def build_manifest(
    *,
    config: Descriptor,
    layers: Sequence[Descriptor],
    annotations: Mapping[str, str] | None = None,
    artifact_type: str | None = None,
    subject: Descriptor | None = None,
    docker: bool = False,
) -> Manifest:
    """A new manifest with canonical bytes; `docker` writes schema 2 (which has no annotations or subject)."""
    kind = media_types.DOCKER_MANIFEST if docker else media_types.OCI_MANIFEST
    obj: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": config.to_json(),
        "layers": [layer.to_json() for layer in layers],
    }
    if annotations and not docker:
        obj["annotations"] = dict(annotations)
    if artifact_type:
        obj["artifactType"] = artifact_type
    if subject:
        obj["subject"] = Descriptor(subject.media_type, subject.digest, subject.size).to_json()
    found = parse_document(documents.dump_canonical(obj), kind, "the new manifest")
    assert isinstance(found, Manifest)
    return found
