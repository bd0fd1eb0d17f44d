"""References: how a user names an image, with the transports of containers-transports(5).

`docker://host/repo:tag`, `docker-daemon:name:tag`, `oci:dir:tag`, `oci-archive:file:tag`,
`docker-archive:file:name:tag`, and bare names, which an engine is asked for first, then a registry.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from slimml.errors import InvalidImage, UsageError
from slimml.oci.digest import Digest, parse_digest

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"


class Transport(StrEnum):
    """Where an image lives. BARE is not decided yet: an engine, else a registry. HOST is no image's, but a directory of
    this machine whose programs run as they are; no text means it.
    """

    REGISTRY = "docker"
    DAEMON = "docker-daemon"
    LAYOUT = "oci"
    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"
    BARE = "bare"
    HOST = "host"


FILES = frozenset({Transport.LAYOUT, Transport.OCI_ARCHIVE, Transport.DOCKER_ARCHIVE})

# distribution/reference, grammar in its package documentation
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
# An OCI layout's tag is the free text of org.opencontainers.image.ref.name (image-spec annotations.md).
_REF_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,254}")


@dataclass(frozen=True)
class Name:
    """`registry/repository[:tag][@digest]`; neither tag nor digest means the tag `latest`."""

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @property
    def selector(self) -> str:
        """What a registry is asked for: the digest, else the tag."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def familiar(self) -> str:
        """As engines show it: without docker.io and library."""
        shown = self.repository
        if self.registry == DEFAULT_REGISTRY:
            shown = shown.removeprefix("library/")
        else:
            shown = f"{self.registry}/{shown}"
        return shown + (f"@{self.digest}" if self.digest else f":{self.tag or DEFAULT_TAG}")

    def __str__(self) -> str:
        tail = (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")
        return f"{self.registry}/{self.repository}{tail}"


@dataclass(frozen=True)
class Reference:
    """One image's address.

    `name` is set for REGISTRY, DAEMON (unless `digest` names an image ID) and BARE, and for DOCKER_ARCHIVE when
    given. `path` is set for the file transports and HOST; `tag` is the ref name inside an OCI layout or archive.
    """

    transport: Transport
    name: Name | None = None
    path: str | None = None
    tag: str | None = None
    image_id: Digest | None = None

    def __str__(self) -> str:
        match self.transport:
            case Transport.REGISTRY:
                assert self.name
                return f"docker://{self.name.familiar}"
            case Transport.DAEMON:
                return f"docker-daemon:{self.image_id or (self.name.familiar if self.name else '')}"
            case Transport.BARE:
                assert self.name
                return self.name.familiar
            case Transport.HOST:
                return str(self.path)
            case Transport.DOCKER_ARCHIVE:
                return f"docker-archive:{self.path}" + (f":{self.name.familiar}" if self.name else "")
            case _:
                return f"{self.transport.value}:{self.path}" + (f":{self.tag}" if self.tag else "")

    def slim(self) -> "Reference":
        """The same address with `-slim` on its tag: where `optimize` puts its result unless told."""
        return self.beside("slim")

    def beside(self, word: str) -> "Reference":
        """The same address with `-word` on its tag, and on the name of an archive's file; raises UsageError."""
        if self.name is not None:
            renamed = replace(self.name, tag=f"{self.name.tag or DEFAULT_TAG}-{word}", digest=None)
            found = replace(self, name=renamed, image_id=None)
        elif self.image_id:
            raise UsageError(f"{self}: an image ID has no tag; name the result with -t NAME or -o TRANSPORT:…")
        else:
            found = replace(self, tag=f"{self.tag or DEFAULT_TAG}-{word}")
        if self.transport in (Transport.OCI_ARCHIVE, Transport.DOCKER_ARCHIVE):
            assert self.path
            stem, dot, suffix = self.path.rpartition(".")
            found = replace(
                found, path=f"{stem}-{word}.{suffix}" if dot and "/" not in suffix else f"{self.path}-{word}"
            )
        return found


def parse_name(text: str) -> Name:
    """A name as `docker pull` takes it; raises UsageError."""
    rest, at, digest_text = text.partition("@")
    try:
        digest = parse_digest(digest_text) if at else None
    except InvalidImage:
        raise UsageError(f"{text!r}: after @ there must be sha256: and 64 hex digits") from None
    tag: str | None = None
    if ":" in rest.rpartition("/")[2]:
        rest, _, tag = rest.rpartition(":")
        if not _TAG.fullmatch(tag):
            raise UsageError(f"{text!r}: {tag!r} is not a tag (letters, digits, '_', '.', '-', at most 128)")
    first, slash, remainder = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, repository = first, remainder
    else:
        registry, repository = DEFAULT_REGISTRY, rest if slash else f"library/{rest}"
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if not _DOMAIN.fullmatch(registry):
        raise UsageError(f"{text!r}: {registry!r} is not a registry's host name")
    if not _REPOSITORY.fullmatch(repository) or len(repository) > 255:
        raise UsageError(f"{text!r} is not an image name (lower case letters, digits, and . _ - / between them)")
    return Name(registry, repository, tag, digest)


def parse_reference(text: str) -> Reference:
    """`text` as a reference; raises UsageError that says which forms there are."""
    if not text or any(ord(c) < 32 for c in text):
        raise UsageError("the image reference is empty or has control characters")
    if text.startswith("docker://"):
        return Reference(Transport.REGISTRY, name=parse_name(text.removeprefix("docker://")))
    head, colon, rest = text.partition(":")
    if not colon or head not in set(Transport) - {Transport.BARE, Transport.REGISTRY, Transport.HOST}:
        if "://" in text:
            raise UsageError(f"{text!r}: transport {head!r} is not known; use docker://, docker-daemon:, oci:, …")
        return Reference(Transport.BARE, name=parse_name(text))
    transport = Transport(head)
    if not rest:
        raise UsageError(f"{text!r}: nothing follows the transport")
    if transport is Transport.DAEMON:
        if rest.startswith("sha256:"):
            try:
                return Reference(transport, image_id=parse_digest(rest))
            except InvalidImage as error:
                raise UsageError(str(error)) from None
        return Reference(transport, name=parse_name(rest))
    path, _, tail = rest.partition(":")
    if not path:
        raise UsageError(f"{text!r}: the path is empty")
    if transport is Transport.DOCKER_ARCHIVE:
        return Reference(transport, path=path, name=parse_name(tail) if tail else None)
    if tail and not _REF_NAME.fullmatch(tail):
        raise UsageError(f"{text!r}: {tail!r} cannot be the name of an image in an OCI layout")
    return Reference(transport, path=path, tag=tail or None)
