"""Platforms: operating system, architecture, variant (image-spec image-index.md), written `linux/arm64/v8`."""

import platform as host
from dataclasses import dataclass
from typing import Any

from slimml.errors import InvalidImage, UsageError
from slimml.oci import documents

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True)
class Platform:
    """What an image runs on."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of this platform."""
        obj = {"os": self.os, "architecture": self.architecture}
        return obj | ({"variant": self.variant} if self.variant else {})

    def serves(self, wanted: "Platform") -> bool:
        """Whether an image of this platform is what somebody asking for `wanted` means."""
        same = (self.os, self.architecture) == (wanted.os, wanted.architecture)
        return same and (not wanted.variant or not self.variant or self.variant == wanted.variant)


def parse_platform(text: str) -> Platform:
    """`linux/amd64` or `linux/arm/v7`; raises UsageError."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(f"platform {text!r} is not OS/ARCHITECTURE[/VARIANT], such as linux/amd64")
    return Platform(*parts)


def platform_from_json(obj: object, what: str) -> Platform:
    """The platform in a JSON object; raises InvalidImage."""
    if not isinstance(obj, dict):
        raise InvalidImage(f"{what}: a platform should be an object, is {type(obj).__name__}")
    return Platform(
        documents.text(obj, "os", what, default=""),
        documents.text(obj, "architecture", what, default=""),
        documents.text(obj, "variant", what, default=""),
    )


def host_platform() -> Platform:
    """Linux on this machine's processor: what an engine here would pull."""
    machine = host.machine().lower()
    return Platform("linux", _ARCHITECTURES.get(machine, machine))
