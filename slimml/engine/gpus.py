"""Words for GPUs, as Docker's --gpus takes them and as CDI names, and what each engine is told for them."""

import re
from dataclasses import dataclass
from typing import Any

from slimml.errors import UsageError

ALL = -1
_CDI = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*/[A-Za-z0-9][A-Za-z0-9_-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*")
_NVIDIA = "nvidia.com/gpu"


@dataclass(frozen=True)
class Gpus:
    """A request: `count` GPUs (ALL), or these `devices` (numbers or UUIDs), or these devices by CDI name."""

    count: int = 0
    devices: tuple[str, ...] = ()
    cdi: tuple[str, ...] = ()


def parse_gpus(words: str) -> Gpus:
    """`all`, a number, `device=0,1`, or CDI names (`nvidia.com/gpu=0`) with commas between; raises UsageError."""
    text = words.strip().strip('"')
    if text == "all":
        return Gpus(count=ALL)
    if text.isascii() and text.isdigit() and int(text) > 0:
        return Gpus(count=int(text))
    head, equals, rest = text.partition("=")
    parts = tuple(part.strip() for part in (rest if head == "device" and equals else text).split(","))
    if head == "device" and all(parts):
        return Gpus(devices=parts)
    if all(_CDI.fullmatch(part) for part in parts):
        return Gpus(cdi=parts)
    raise UsageError(f"{words!r} names no GPUs; use all, a number, device=0,1 or CDI names such as nvidia.com/gpu=0")


def docker_requests(gpus: Gpus) -> list[dict[str, Any]]:
    """`HostConfig.DeviceRequests` (Docker API 1.40; CDI names since Docker 25)."""
    if gpus.cdi:
        return [{"Driver": "cdi", "DeviceIDs": list(gpus.cdi)}]
    request: dict[str, Any] = {"Driver": "", "Count": gpus.count, "Capabilities": [["gpu"]], "Options": {}}
    return [request | ({"DeviceIDs": list(gpus.devices)} if gpus.devices else {})]


def cdi_names(gpus: Gpus) -> list[str]:
    """The request in the names that NVIDIA's toolkit gives to devices (`nvidia-ctk cdi generate`)."""
    if gpus.count == ALL:
        return [f"{_NVIDIA}=all"]
    numbers = [str(number) for number in range(gpus.count)]
    return list(gpus.cdi) or [f"{_NVIDIA}={device}" for device in (gpus.devices or numbers)]
