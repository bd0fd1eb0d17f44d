"""Artifacts that belong to an image in a registry (distribution-spec 1.1, Listing Referrers, with its tag fallback)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import urljoin

from slimml.errors import InvalidImage, LimitExceeded, NotFound, Unavailable, Unsupported
from slimml.oci import documents
from slimml.oci.artifact import Artifact
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest, algorithm_of, hex_of
from slimml.oci.image import Stream
from slimml.oci.manifest import Index, Manifest, parse_document
from slimml.oci.media_types import MANIFESTS, OCI_INDEX
from slimml.oci.places.registry.answer import Answer
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.origin import origin_of
from slimml.oci.places.registry.patience import PATIENCE, TRANSIENT, Patience
from slimml.oci.places.registry.repository import Repository
from slimml.oci.places.registry.upload import push_blob
from slimml.oci.reference import Reference
from slimml.oci.transfer import Access
from slimml.oci.verify import verified

_ATTEMPTS = 3
_PAGES = 100
_NEXT = re.compile(r'<([^<>]{1,2000})>[^<>,]*;\s*rel="?next"?')


def write_artifact(artifact: Artifact, subject: Reference, access: Access, patience: Patience = PATIENCE) -> Digest:
    """Push `artifact` beside its subject, into the repository of `subject`; the digest of its manifest.

    Where the registry has no referrers API, the index under the tag `sha256-HEX` of the subject is extended. Raises
    InvalidImage (no subject, or the tag holds something else), AccessDenied, Unavailable.
    """
    manifest = artifact.manifest
    if manifest.subject is None or subject.name is None:
        raise InvalidImage(f"{subject}: the artifact names no subject that it belongs to")
    repository = Repository(Client(subject.name, access, patience))
    for descriptor in {blob.digest: blob for blob in (manifest.config, *manifest.layers)}.values():
        push_blob(repository, descriptor, partial(_open, artifact, descriptor), None, lambda _: None)
    answer = repository.put_document(manifest.raw, manifest.media_type, manifest.digest)
    if answer.header("OCI-Subject") != manifest.subject.digest:
        _extend_tag(repository, manifest, manifest.subject.digest)
    return manifest.digest


def _open(artifact: Artifact, descriptor: Descriptor) -> Stream:
    return verified(artifact.blobs.open_blob(descriptor), descriptor)


def find_artifacts(
    subject: Reference, digest: Digest, artifact_type: str | None, access: Access, patience: Patience = PATIENCE
) -> list[Artifact]:
    """The artifacts of the image `digest` in the repository of `subject`; of every type when `artifact_type` is None.

    What does not say itself that it belongs to `digest` is left out. Raises AccessDenied, Unavailable, InvalidImage.
    """
    assert subject.name
    repository = Repository(Client(subject.name, access, patience))
    listed = _listed(repository, digest)
    if listed is None:
        index = _tagged(repository, digest)
        listed = list(index.manifests) if index else []
    return list(_belonging(repository, listed, digest, artifact_type))


def _belonging(
    repository: Repository, listed: Iterable[Descriptor], subject: Digest, artifact_type: str | None
) -> Iterator[Artifact]:
    for descriptor in {found.digest: found for found in listed}.values():
        other = artifact_type and descriptor.artifact_type and descriptor.artifact_type != artifact_type
        if other or descriptor.digest == subject or descriptor.media_type not in MANIFESTS:
            continue
        try:
            manifest = repository.document(descriptor.digest)
        except NotFound:
            continue
        if not isinstance(manifest, Manifest) or manifest.subject is None or manifest.subject.digest != subject:
            continue
        if artifact_type in (None, _type_of(manifest)):
            yield Artifact(manifest, repository)


def _type_of(manifest: Manifest) -> str:
    """The artifact type; the config's media type stands in for it (image-spec manifest.md, artifactType)."""
    return manifest.artifact_type or manifest.config.media_type


def _listed(repository: Repository, digest: Digest) -> list[Descriptor] | None:
    """What the referrers API answers; None where there is none, or something answers that is no index."""
    client = repository.client
    what = f"the referrers of {digest}"
    found: list[Descriptor] = []
    url = first = client.url(f"referrers/{digest}")
    for _ in range(_PAGES):
        answer = client.send("GET", url, headers={"Accept": OCI_INDEX})
        if answer.status in (401, 403) or answer.status in TRANSIENT:
            raise client.refusal(answer, what)
        index = _page(client, answer, what)
        if index is None:
            return None
        found.extend(index.manifests)
        following = _NEXT.search(answer.header("Link"))
        if not following:
            return found
        url = urljoin(url, following[1])
        if origin_of(url) != origin_of(first):
            raise Unavailable(f"{client}: the list of referrers goes on at another host; slimml does not follow")
    raise Unavailable(f"{client}: {what} fill more than {_PAGES} pages; is the registry in order?")


def _page(client: Client, answer: Answer, what: str) -> Index | None:
    kind = answer.header("Content-Type").partition(";")[0].strip()
    if answer.status != 200 or kind != OCI_INDEX:
        answer.discard()
        return None
    limits = client.access.limits
    raw = answer.document(limits.json_bytes, client.patience, f"{client}: {what}")
    try:
        page = parse_document(raw, kind, f"{client}: {what}", limits)
    except LimitExceeded:
        raise
    except (InvalidImage, Unsupported):
        return None
    return page if isinstance(page, Index) else None


def _tag(digest: Digest) -> str:
    """The tag of the fallback (distribution-spec, Referrers Tag Schema)."""
    return f"{algorithm_of(digest)[:32]}-{hex_of(digest)[:64]}"


def _tagged(repository: Repository, digest: Digest) -> Index | None:
    try:
        found = repository.document(_tag(digest))
    except NotFound:
        return None
    if not isinstance(found, Index):
        raise InvalidImage(f"{repository.client}: the tag {_tag(digest)} should list artifacts and holds an image")
    return found


def _extend_tag(repository: Repository, manifest: Manifest, subject: Digest) -> None:
    """Add `manifest` to the fallback's index; again when another writer replaced the index meanwhile."""
    kind = _type_of(manifest)
    entry = replace(manifest.descriptor, artifact_type=kind, annotations=manifest.annotations)
    for _ in range(_ATTEMPTS):
        index = _tagged(repository, subject)
        listed = index.manifests if index else ()
        if any(found.digest == entry.digest for found in listed):
            return
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [found.to_json() for found in (*listed, entry)],
        }
        repository.put_document(documents.dump_canonical(document), OCI_INDEX, _tag(subject))
    index = _tagged(repository, subject)
    if index is None or all(found.digest != entry.digest for found in index.manifests):
        raise Unavailable(f"{repository.client}: the list of artifacts of {subject} keeps changing; push again")
