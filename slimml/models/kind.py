"""Which of the formats that can be made smaller a file has, by its first bytes."""

from __future__ import annotations

from pathlib import Path

from slimml.models import packed
from slimml.models.content import Content, Unreadable
from slimml.models.formats.onnx_file import is_onnx
from slimml.models.model_file import Format

_ZIP = b"PK\x03\x04"
_LEGACY_TORCH = bytes.fromhex("8a0a6cfc9c46f9206aa850192e")
"""torch's magic number as a pickled long, after the two bytes of the protocol (torch/serialization.py)"""
_HEAD = 1 << 20


def kind_of(path: Path) -> Format | None:
    """The format of the file at `path`, None where there is nothing that can be done about it."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        size = path.stat().st_size
        if head[2:15] == _LEGACY_TORCH:
            return Format.TORCH_LEGACY
        if head.startswith(_ZIP):
            return Format.TORCH_ZIP if b"data.pkl" in head else None
        if head[:1] == b"\x80" and packed.MARK in head:
            return Format.JOBLIB
        if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8:
            return Format.SAFETENSORS
        try:
            return Format.ONNX if is_onnx(Content.of(file)) else None
        except Unreadable:
            return None
