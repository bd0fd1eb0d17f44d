"""One repository of a registry: its manifests and blobs (distribution-spec 1.1, sections Pull and Push)."""

import hashlib
from dataclasses import dataclass

from slimml.errors import InvalidImage, NotFound
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, algorithm_of, hex_of, parse_digest, sha256, short
from slimml.oci.image import Stream
from slimml.oci.manifest import Index, Manifest, parse_document
from slimml.oci.media_types import ACCEPTED
from slimml.oci.places.registry.answer import Answer
from slimml.oci.places.registry.auth import pull_scope, push_scope
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.download import open_blob
from slimml.oci.places.registry.wording import shown

_DIGEST_HEADER = "Docker-Content-Digest"


@dataclass(frozen=True)
class Repository:
    """What `client` speaks to; a `Blobs`."""

    client: Client

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Stream:
        """The blob from byte `offset` on, not verified; raises NotFound, AccessDenied, Unavailable."""
        return open_blob(self.client, descriptor, offset)

    def document(self, selector: str) -> Manifest | Index:
        """The manifest or index that a tag or digest names, verified.

        Raises NotFound, AccessDenied, Unavailable, LimitExceeded, Unsupported, and InvalidImage when it is not what
        was asked for or what the registry says it is.
        """
        what = shown(selector, 100)
        limits = self.client.access.limits
        answer = self.client.send("GET", self._manifest(selector), headers={"Accept": ", ".join(ACCEPTED)})
        if answer.status != 200:
            raise self.client.refusal(answer, what)
        raw = answer.document(limits.json_bytes, self.client.patience, f"{self.client}: {what}")
        said = answer.header(_DIGEST_HEADER)
        for expected in (selector if ":" in selector else "", said):
            if expected and not _matches(raw, parse_digest(expected)):
                raise InvalidImage(f"{self.client}: {what} has other content than {shown(expected, 80)}")
        return parse_document(raw, answer.header("Content-Type"), f"{self.client}: {what}", limits)

    def has_manifest(self, selector: str) -> bool:
        """Whether a tag or digest is there."""
        url = self._manifest(selector)
        return self._exists(self.client.send("HEAD", url, headers={"Accept": ", ".join(ACCEPTED)}), selector)

    def blob_size(self, digest: Digest) -> int | None:
        """The size of a blob in bytes (UNKNOWN_SIZE where the registry does not say), None when it is not there."""
        scopes = (push_scope(self.client.repository),)
        answer = self.client.send("HEAD", self.client.url(f"blobs/{digest}"), scopes=scopes)
        if not self._exists(answer, f"blob {short(digest)}"):
            return None
        size = answer.header("Content-Length")
        return int(size) if size.isascii() and size.isdigit() else UNKNOWN_SIZE

    def put_document(self, raw: bytes, media_type: str, selector: str) -> Answer:
        """Store a manifest or index under a tag or its digest; whoever pulls sees the old one or this one.

        Raises AccessDenied, Unavailable, and InvalidImage when the registry stored something else.
        """
        scopes = (push_scope(self.client.repository),)
        headers = {"Content-Type": media_type}
        answer = self.client.send("PUT", self._manifest(selector), scopes=scopes, headers=headers, body=raw)
        if answer.status not in (200, 201):
            raise self.client.refusal(answer, shown(selector, 100))
        answer.discard()
        digest = sha256(raw)
        stored = answer.header(_DIGEST_HEADER)
        if stored and stored != digest and not _matches(raw, parse_digest(stored)):
            raise InvalidImage(f"{self.client}: the registry stored {shown(stored, 80)} instead of {digest}")
        if not stored and not self.has_manifest(digest):
            raise NotFound(f"{self.client}: the registry took {digest} and does not have it; push again")
        return answer

    def scopes_to_mount(self, other: str) -> tuple[str, ...]:
        """What mounting a blob of the repository `other` needs."""
        return push_scope(self.client.repository), pull_scope(other)

    def _manifest(self, selector: str) -> str:
        return self.client.url(f"manifests/{selector}")

    def _exists(self, answer: Answer, what: str) -> bool:
        if answer.status == 404:
            answer.discard()
            return False
        if answer.status != 200:
            raise self.client.refusal(answer, what)
        answer.discard()
        return True


def _matches(raw: bytes, digest: Digest) -> bool:
    return hashlib.new(algorithm_of(digest), raw).hexdigest() == hex_of(digest)
