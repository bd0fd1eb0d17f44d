"""The doors: open the image a reference names, write an image to where a reference points. One module per place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.platform import Platform, host_platform
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.oci.digest import Digest
    from slimml.oci.image import Image
    from slimml.oci.reference import Reference


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


def open_image(reference: Reference, access: Access | None = None) -> Image:
    """The image that `reference` names.

    A bare name is asked of Docker, then Podman, then its registry. Raises NotFound, AccessDenied, Unavailable,
    InvalidImage, LimitExceeded, Unsupported.
    """
    raise NotImplementedError


def write_image(
    image: Image, destination: Reference, access: Access | None = None, progress: Progress = SILENT
) -> Receipt:
    """Put `image` at `destination`; it appears whole or not at all. Blobs are verified while copied."""
    raise NotImplementedError
