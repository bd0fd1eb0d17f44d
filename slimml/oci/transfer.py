"""The doors: open the image a reference names, write an image to where a reference points. One module per place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from slimml.errors import AccessDenied, NotFound, SlimmlError, Unavailable, Unsupported
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.platform import Platform, host_platform
from slimml.oci.reference import Reference, Transport
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.oci.artifact import Artifact
    from slimml.oci.digest import Digest
    from slimml.oci.image import Image


@dataclass(frozen=True)
class Access:
    """How places are reached. `insecure` allows plain HTTP and unverified TLS for registries.

    `engine` is the address of an engine's API (unix:///…), None for the usual ones. `read_store` allows reading the
    engine's own files where that is possible.
    """

    platform: Platform = field(default_factory=host_platform)
    insecure: bool = False
    engine: str | None = None
    read_store: bool = True
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class Receipt:
    """What a sink wrote. `written_bytes` were sent or stored, `reused_bytes` were there already (or mounted)."""

    reference: Reference
    digest: Digest
    written_bytes: int
    reused_bytes: int


class _Place(Protocol):
    def open_image(self, reference: Reference, access: Access) -> Image: ...
    def write_image(self, image: Image, reference: Reference, access: Access, progress: Progress) -> Receipt: ...


class _ArtifactPlace(_Place, Protocol):
    def write_artifact(self, artifact: Artifact, subject: Reference, access: Access) -> Digest: ...
    def find_artifacts(
        self, subject: Reference, digest: Digest, artifact_type: str, access: Access
    ) -> list[Artifact]: ...


_PLACES = {
    Transport.REGISTRY: "registry",
    Transport.DAEMON: "daemon",
    Transport.LAYOUT: "layout",
    Transport.OCI_ARCHIVE: "oci_archive",
    Transport.DOCKER_ARCHIVE: "docker_archive",
    Transport.BARE: "daemon",
}
_HOLD_ARTIFACTS = frozenset({Transport.REGISTRY, Transport.LAYOUT})


def _place(reference: Reference) -> _Place:
    # A place is imported when it is needed: the HTTP clients of registries and engines are slow to import.
    return cast(_Place, import_module(f"slimml.oci.places.{_PLACES[reference.transport]}"))


def open_image(reference: Reference, access: Access | None = None) -> Image:
    """The image that `reference` names.

    A bare name is asked of Docker, then Podman, then its registry. Raises NotFound, AccessDenied, Unavailable,
    InvalidImage, LimitExceeded, Unsupported.
    """
    access = access or Access()
    if reference.transport is not Transport.BARE:
        return _place(reference).open_image(reference, access)
    try:
        return open_image(replace(reference, transport=Transport.DAEMON), access)
    except (NotFound, Unavailable, AccessDenied) as error:
        no_engine = error
    try:
        return open_image(replace(reference, transport=Transport.REGISTRY), access)
    except (NotFound, Unavailable, AccessDenied) as error:
        raise type(error)(f"{reference}: no engine has it ({no_engine}), and its registry said: {error}") from None


def write_image(
    image: Image, destination: Reference, access: Access | None = None, progress: Progress = SILENT
) -> Receipt:
    """Put `image` at `destination`; it appears whole or not at all. Blobs and diff IDs are verified while copied.

    A bare name goes to the engine. Raises Refused, AccessDenied, Unavailable, InvalidImage, LimitExceeded,
    Unsupported, and what reading the image raises.
    """
    if destination.transport is Transport.BARE:
        destination = replace(destination, transport=Transport.DAEMON)
    return _place(destination).write_image(image, destination, access or Access(), progress)


def write_artifact(artifact: Artifact, subject: Reference, access: Access | None = None) -> Digest:
    """Put `artifact` where its subject is; gives the digest of its manifest.

    Raises Unsupported for engines and archives, which have no room for it.
    """
    return _artifact_place(subject).write_artifact(artifact, subject, access or Access())


def find_artifacts(
    subject: Reference, digest: Digest, artifact_type: str, access: Access | None = None
) -> list[Artifact]:
    """The artifacts of a type that belong to the image with manifest `digest`, in the place of `subject`.

    Raises Unsupported for engines and archives, which have no room for them.
    """
    return _artifact_place(subject).find_artifacts(subject, digest, artifact_type, access or Access())


def _artifact_place(subject: Reference) -> _ArtifactPlace:
    if subject.transport not in _HOLD_ARTIFACTS:
        raise _no_room(subject)
    return cast(_ArtifactPlace, _place(subject))


def _no_room(subject: Reference) -> SlimmlError:
    place = "an engine" if subject.transport in (Transport.DAEMON, Transport.BARE) else "an archive"
    return Unsupported(
        f"{subject}: {place} cannot hold artifacts of an image; use a registry (docker://), an OCI layout (oci:), "
        "or a file beside the image"
    )
