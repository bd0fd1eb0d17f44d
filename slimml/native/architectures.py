"""Which GPUs code is kept for: compute capabilities as people write them, or those of this machine's GPUs."""

from __future__ import annotations

import ctypes
import re

from slimml.errors import Unavailable, UsageError

HOST = "host"
_WRITTEN = re.compile(r"(?:sm_|compute_)?(\d{2,3})[af]?|(\d{1,2})\.(\d)", re.ASCII | re.IGNORECASE)
_OLDEST, _NEWEST = 20, 299
_LIBRARIES = ("libcuda.so.1", "libcuda.so")
_MAJOR, _MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR (CUDA driver API, CUdevice_attribute)"""


def parse_targets(text: str) -> tuple[int, ...]:
    """`sm_90,sm_80`, `9.0` or `host` as compute capabilities times ten, sorted: (80, 90).

    Raises UsageError where a word is no architecture, Unavailable where `host` has no GPU that can be asked.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise UsageError("no GPU architecture was named; write sm_90, several as sm_80,sm_90, or host")
    found: set[int] = set()
    for word in words:
        found |= set(host_targets()) if word.lower() == HOST else {_number(word)}
    return tuple(sorted(found))


def name_of(target: int) -> str:
    """90 as sm_90."""
    return f"sm_{target}"


def names_of(targets: tuple[int, ...]) -> str:
    """(80, 90) as sm_80,sm_90: what a label and a cache key say."""
    return ",".join(name_of(target) for target in targets)


def host_targets() -> tuple[int, ...]:
    """The compute capabilities of this machine's GPUs, as the driver tells them. Raises Unavailable."""
    driver = _driver()
    _checked(driver, "cuInit", ctypes.c_uint(0))
    count = ctypes.c_int()
    _checked(driver, "cuDeviceGetCount", ctypes.byref(count))
    found = {_capability(driver, index) for index in range(count.value)}
    if not found:
        raise Unavailable("this machine's NVIDIA driver knows no GPU; name the architecture: sm_90")
    return tuple(sorted(found))


def _number(word: str) -> int:
    match = _WRITTEN.fullmatch(word)
    number = 0 if match is None else int(match[1]) if match[1] else int(match[2]) * 10 + int(match[3])
    if not _OLDEST <= number <= _NEWEST:
        raise UsageError(f"{word!r} is no GPU architecture; write sm_90 (H100), sm_80 (A100), sm_75 (T4), or host")
    return number


def _capability(driver: ctypes.CDLL, index: int) -> int:
    device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    _checked(driver, "cuDeviceGet", ctypes.byref(device), ctypes.c_int(index))
    _checked(driver, "cuDeviceGetAttribute", ctypes.byref(major), ctypes.c_int(_MAJOR), device)
    _checked(driver, "cuDeviceGetAttribute", ctypes.byref(minor), ctypes.c_int(_MINOR), device)
    return major.value * 10 + minor.value


def _driver() -> ctypes.CDLL:
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise Unavailable("this machine has no NVIDIA driver (libcuda.so.1) to ask for its GPUs; name one: sm_90")


def _checked(driver: ctypes.CDLL, function: str, *arguments: object) -> None:
    try:
        said = getattr(driver, function)(*arguments)
    except AttributeError:
        raise Unavailable(f"this machine's NVIDIA driver has no {function}; name the architecture: sm_90") from None
    if said:
        raise Unavailable(f"this machine's GPUs cannot be asked ({function}: CUDA error {said}); name one: sm_90")
