"""A safetensors file with its fp32 tensors in the half-sized type that the application casts them to anyway.

Format: an 8-byte little-endian length, that many bytes of JSON, then the tensors (huggingface/safetensors README). Both
types round to nearest, ties to even, as torch's own cast does, so the application computes with the same bits. Files
are read and written in pieces of 16 MiB, whatever their size.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slimml.models.unsuitable import Unsuitable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADER_LIMIT = 100_000_000
"""bytes of JSON at most, as the reference implementation has it"""
PIECE = 16 << 20
"""bytes that are converted at a time"""
HALF_TYPES = {"float16": "F16", "bfloat16": "BF16"}
"""what a config calls a type, and what the format calls it"""
_CONFIG_LIMIT = 4 << 20


def type_of_config(directory: Path) -> str | None:
    """The half-sized type that `config.json` in `directory` says the weights are used in: F16, BF16, or None.

    transformers wrote `torch_dtype` until version 4.55 and writes `dtype` since.
    """
    try:
        path = directory / "config.json"
        if path.stat().st_size > _CONFIG_LIMIT:
            return None
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    word = found.get("dtype", found.get("torch_dtype"))
    return HALF_TYPES.get(word.removeprefix("torch.")) if isinstance(word, str) else None


def cast(source: Path, target: Path, half: str) -> int:
    """Write `source` to `target` with its fp32 tensors in `half` (F16, BF16); how many tensors that were.

    Raises Unsuitable for a file that lies about itself, that has no fp32 tensor, or whose values half cannot hold; then
    there is no target.
    """
    try:
        return _cast(source, target, half)
    except Unsuitable:
        target.unlink(missing_ok=True)
        raise


def _cast(source: Path, target: Path, half: str) -> int:
    with source.open("rb") as old, target.open("wb") as new:
        header, begin = _header(old, source.stat().st_size)
        tensors = sorted(
            ((name, entry) for name, entry in header.items() if name != "__metadata__"),
            key=lambda item: item[1]["data_offsets"][0],
        )
        changed, place, written = 0, 0, {}
        for name, entry in tensors:
            first, last = entry["data_offsets"]
            size, kind = last - first, entry["dtype"]
            if kind == "F32":
                changed, size, kind = changed + 1, size // 2, half
            written[name] = {"dtype": kind, "shape": entry["shape"], "data_offsets": [place, place + size]}
            place += size
        if not changed:
            raise Unsuitable("no tensor in it is fp32")
        _write_header(new, header, written)
        for name, entry in tensors:
            first, last = entry["data_offsets"]
            old.seek(begin + first)
            _copy(old, new, last - first, half if entry["dtype"] == "F32" else None, name)
    return changed


def _header(stream: IO[bytes], size: int) -> tuple[dict[str, Any], int]:
    """The JSON at the front, checked against the file's size, and where the tensors begin."""
    length = int.from_bytes(stream.read(8), "little")
    if not 2 <= length <= min(HEADER_LIMIT, size - 8):
        raise Unsuitable("not a whole safetensors file")
    try:
        header = json.loads(stream.read(length))
    except (ValueError, RecursionError):
        raise Unsuitable("its header is no JSON") from None
    if not isinstance(header, dict) or not all(_sound(name, entry) for name, entry in header.items()):
        raise Unsuitable("its header does not describe tensors")
    room, end = size - 8 - length, 0
    for first, last in sorted(e["data_offsets"] for n, e in header.items() if n != "__metadata__"):
        if first != end:
            raise Unsuitable("its tensors overlap, or leave holes")
        end = last
    if end != room:
        raise Unsuitable("its tensors do not fill the file")
    return header, 8 + length


def _sound(name: str, entry: Any) -> bool:
    if name == "__metadata__":
        return isinstance(entry, dict)
    try:
        first, last = entry["data_offsets"]
        numbers = [first, last, *entry["shape"]]
        right = all(type(number) is int and number >= 0 for number in numbers) and last >= first
        return right and (entry["dtype"] != "F32" or last - first == 4 * math.prod(entry["shape"]))
    except (TypeError, KeyError, ValueError):
        return False


def _write_header(stream: IO[bytes], header: dict[str, Any], tensors: dict[str, Any]) -> None:
    kept = {"__metadata__": header["__metadata__"]} if "__metadata__" in header else {}
    try:
        text = json.dumps(kept | tensors, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unsuitable("its header holds half characters") from None
    text += b" " * (-len(text) % 8)
    stream.write(len(text).to_bytes(8, "little") + text)


def _copy(old: IO[bytes], new: IO[bytes], length: int, half: str | None, name: str) -> None:
    import numpy as np

    while length:
        piece = old.read(min(PIECE, length))
        if not piece:
            raise Unsuitable(f"it ends within {name}")
        length -= len(piece)
        if half is None:
            new.write(piece)
        else:
            values = np.frombuffer(piece, dtype="<f4")
            small = _half(values) if half == "F16" else _brain(values)
            if half == "F16" and (np.isinf(small) & np.isfinite(values)).any():
                raise Unsuitable(f"{name} holds values that half precision does not")
            new.write(small.tobytes())


def _half(values: NDArray[np.float32]) -> NDArray[np.float16]:
    import numpy as np

    with np.errstate(over="ignore"):
        return values.astype("<f2")


def _brain(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper 16 bits of each float, rounded to nearest, ties to even; a NaN stays one."""
    import numpy as np

    bits = values.view("<u4")
    up = ((bits >> 16) & 1) + np.uint32(0x7FFF)
    with np.errstate(over="ignore"):
        rounded: NDArray[np.uint16] = ((bits + up) >> 16).astype("<u2")
    rounded[np.isnan(values)] = 0x7FC0
    return rounded
