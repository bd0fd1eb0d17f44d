"""safetensors: a JSON header of every tensor's dtype, shape and place, then the tensors (the format of its README).

And the index that says which shard holds which tensor (`*.safetensors.index.json`, of transformers).
"""

from __future__ import annotations

import json
from typing import Any, Final

from slimml.models.content import MOST_NAME_BYTES, MOST_TENSORS, Content, Unreadable, elements_of
from slimml.models.model_file import ExternalFile, Format, Leftover, ModelFile, Tensor, bytes_by_dtype

LENGTH_BYTES: Final = 8
MOST_HEADER_BYTES: Final = 32 << 20
_MOST_INDEX_BYTES: Final = 32 << 20

BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
"""Bits of one element, by dtype"""

_OPTIMIZER: Final = ("optimizer.", "optim.", "optimizer_state.")


def header_bytes(head: bytes) -> int | None:
    """How many bytes of a file hold its whole header, told from its first ten; None where it is no safetensors."""
    if len(head) < LENGTH_BYTES + 2 or head[LENGTH_BYTES] != 0x7B or head[LENGTH_BYTES + 1] not in b'"} \n\r\t':
        return None
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    # The first eight bytes of a text would be a length beyond all bounds.
    return LENGTH_BYTES + length if 2 <= length < 1 << 40 else None


def read_safetensors(content: Content) -> ModelFile:
    """The model in `content`, of which only the header is read; raises Unreadable.

    The format's own rules hold: tensors lie without gaps and overlaps, each as long as its shape and dtype say.
    """
    end = header_bytes(content.head(LENGTH_BYTES + 2))
    if end is None or end > content.size:
        raise Unreadable("its header is longer than the file")
    if end > MOST_HEADER_BYTES:
        raise Unreadable(f"a header of {end:,} bytes, more than {MOST_HEADER_BYTES:,}")
    header = parse_json(content.at(LENGTH_BYTES, end - LENGTH_BYTES))
    metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(header, dict) or not isinstance(metadata, dict | None):
        raise Unreadable("its header is not a JSON object of tensors")
    if len(header) > MOST_TENSORS:
        raise Unreadable(f"more than {MOST_TENSORS:,} tensors")
    tensors = sorted((_tensor(name, one, end) for name, one in header.items()), key=lambda one: (one.offset, one.bytes))
    at = end
    for tensor in tensors:
        if tensor.offset != at:
            raise Unreadable(f"tensor {tensor.name[:100]!r} begins at {tensor.offset:,}, the one before ends at {at:,}")
        at += tensor.bytes
    if at != content.size:
        raise Unreadable(f"its tensors end at {at:,}, the file at {content.size:,}")
    optimizer = [tensor for tensor in tensors if tensor.name.startswith(_OPTIMIZER)]
    size = sum(tensor.bytes for tensor in optimizer)
    weights = [tensor for tensor in tensors if not tensor.name.startswith(_OPTIMIZER)]
    return ModelFile(
        Format.SAFETENSORS,
        content.size,
        parameters=sum(tensor.elements for tensor in weights),
        bytes_by_dtype=bytes_by_dtype(tensors),
        tensors=tuple(weights),
        optimizer_bytes=size,
        leftovers=(Leftover("optimizer", size, "optimizer state"),) if optimizer else (),
    )


def _tensor(name: str, told: Any, end: int) -> Tensor:
    try:
        dtype, shape, (begin, stop) = told["dtype"], told["shape"], told["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise Unreadable(f"tensor {name[:100]!r} lacks its dtype, shape or data_offsets") from None
    numbers = [*shape, begin, stop] if isinstance(shape, list) else [None]
    if not all(type(one) is int and 0 <= one < 1 << 62 for one in numbers) or not isinstance(dtype, str):
        raise Unreadable(f"tensor {name[:100]!r} has a dtype, shape or data_offsets that are none")
    if dtype not in BITS:
        raise Unreadable(f"tensor {name[:100]!r} is of dtype {dtype[:20]!r}, which safetensors does not have")
    size = elements_of(tuple(shape)) * BITS[dtype]
    if size % 8 or stop - begin != size // 8:
        raise Unreadable(f"tensor {name[:100]!r} has {stop - begin:,} bytes, its shape takes {size / 8:,.0f}")
    return Tensor(name[:MOST_NAME_BYTES], dtype, tuple(shape), stop - begin, end + begin)


def is_index(document: Any) -> bool:
    """Whether a JSON document is the index of safetensors or torch shards."""
    return isinstance(document, dict) and isinstance(document.get("weight_map"), dict) and len(document) <= 8


def read_index(content: Content) -> ModelFile:
    """The index in `content`: `external` are the shards that it names; raises Unreadable."""
    if content.size > _MOST_INDEX_BYTES:
        raise Unreadable(f"an index of {content.size:,} bytes, more than {_MOST_INDEX_BYTES:,}")
    document = parse_json(content.at(0, content.size))
    if not is_index(document):
        raise Unreadable("no weight_map in it")
    shards = sorted({shard for shard in document["weight_map"].values() if isinstance(shard, str)})
    remarks = [f"{len(document['weight_map']):,} tensors in {len(shards):,} shards"]
    remarks += [f"a shard outside its directory: {shard[:200]}" for shard in shards if "/" in shard or shard == ".."]
    return ModelFile(
        Format.SAFETENSORS_INDEX,
        content.size,
        external=tuple(ExternalFile(shard[:MOST_NAME_BYTES], 0) for shard in shards),
        remarks=tuple(remarks[:10]),
    )


def parse_json(data: bytes) -> Any:
    """A JSON document; raises Unreadable."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not JSON: {str(error)[:100]}") from None
