"""A descriptor points at a blob: media type, digest, size (image-spec descriptor.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slimml.errors import InvalidImage
from slimml.oci import documents
from slimml.oci.digest import Digest, parse_digest
from slimml.oci.platform import Platform, platform_from_json

UNKNOWN_SIZE = -1
"""Size of a blob that only reading it will tell (a layer behind an engine's API)."""


@dataclass(frozen=True)
class Descriptor:
    """`size` is the blob's length in bytes as stored, or UNKNOWN_SIZE."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    urls: tuple[str, ...] = ()
    platform: Platform | None = None
    artifact_type: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object of this descriptor."""
        obj: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.urls:
            obj["urls"] = list(self.urls)
        if self.annotations:
            obj["annotations"] = dict(self.annotations)
        if self.platform:
            obj["platform"] = self.platform.to_json()
        if self.artifact_type:
            obj["artifactType"] = self.artifact_type
        return obj


def descriptor_from_json(obj: object, what: str) -> Descriptor:
    """The descriptor in a JSON object; `what` names the document in errors. Raises InvalidImage."""
    if not isinstance(obj, dict):
        raise InvalidImage(f"{what}: a descriptor should be an object, is {type(obj).__name__}")
    urls = documents.sequence(obj, "urls", what)
    if not all(isinstance(url, str) for url in urls):
        raise InvalidImage(f"{what}: 'urls' should hold text")
    platform = obj.get("platform")
    return Descriptor(
        media_type=documents.text(obj, "mediaType", what, default=""),
        digest=parse_digest(obj.get("digest")),
        size=documents.integer(obj, "size", what),
        annotations=documents.strings(obj, "annotations", what),
        urls=tuple(urls),
        platform=platform_from_json(platform, what) if platform is not None else None,
        artifact_type=documents.text(obj, "artifactType", what, default="") or None,
    )
