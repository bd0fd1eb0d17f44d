"""The processor that seconds were measured on, and what of it decides how fast small numbers are."""

from __future__ import annotations

import platform
from pathlib import Path

TOLD = (
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "asimddp",
    "i8mm",
    "bf16",
)
"""flags of /proc/cpuinfo: with VNNI, dot products of int8 are quick and do not overflow (onnxruntime #6004, #14642)"""


def processor() -> dict[str, str | list[str]]:
    """Its name, its architecture and its flags among TOLD."""
    name, flags = "", set[str]()
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() in ("flags", "Features"):
                flags = set(value.split())
    except OSError:
        pass
    return {"cpu": name, "machine": platform.machine(), "flags": [flag for flag in TOLD if flag in flags]}
