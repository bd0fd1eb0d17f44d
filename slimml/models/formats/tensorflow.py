"""TensorFlow: SavedModel and frozen graphs (saved_model.proto, graph.proto), and the index of variables.

The index is a table of LevelDB's kind (leveldb/doc/table_format.md) of BundleEntryProto (tensor_bundle.proto).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from slimml.models.content import MOST_NAME_BYTES, Content, Cursor, Unreadable, elements_of, text
from slimml.models.formats.protobuf import BYTES, VARINT, Field, fields, signed, words
from slimml.models.model_file import ExternalFile, Format, Leftover, ModelFile, Tensor, bytes_by_dtype
from slimml.models.pickles.tensors import checked_count

TABLE_MAGIC: Final = 0xDB4775248B80FB57.to_bytes(8, "little")
"""the last eight bytes of an index of variables"""

_DTYPES: Final = {
    1: ("F32", 4), 2: ("F64", 8), 3: ("I32", 4), 4: ("U8", 1), 5: ("I16", 2), 6: ("I8", 1), 7: ("STRING", 0),
    8: ("C64", 8), 9: ("I64", 8), 10: ("BOOL", 1), 11: ("QI8", 1), 12: ("QU8", 1), 13: ("QI32", 4), 14: ("BF16", 2),
    17: ("U16", 2), 18: ("C128", 16), 19: ("F16", 2), 22: ("U32", 4), 23: ("U64", 8), 24: ("F8_E5M2", 1),
    25: ("F8_E4M3", 1),
}  # fmt: skip
_OPERATOR: Final = re.compile(r"[A-Z_][A-Za-z0-9_>/.]*")
_FOOTER: Final = 48
_BLOCK_TRAILER: Final = 5
_MOST_BLOCK: Final = 16 << 20
_MOST_DIMENSIONS: Final = 254
_OPTIMIZER: Final = re.compile(r"(?i)(^|/)(\.OPTIMIZER_SLOT|optimizer|_optimizer|Adam|RMSProp|Momentum)(/|$)")


def is_saved_model(content: Content) -> bool:
    """Whether it is a SavedModel: a schema version, then graphs with their signatures; raises Unreadable."""
    if content.head(2) != b"\x08\x01":
        return False
    found = [(one.number, one.kind) for one in fields(content)]
    if {number for number, _ in found} != {1, 2} or any((number == 2) != (kind == BYTES) for number, kind in found):
        return False
    graphs = [one for one in fields(content) if one.number == 2]
    return all(one.number <= 7 and one.kind == BYTES for one in fields(content, graphs[0].start, graphs[0].end))


def read_saved_model(content: Content) -> ModelFile:
    """The graphs in `content`, which `is_saved_model`: the constants in them; variables lie in other files."""
    tensors: list[Tensor] = []
    tags: list[str] = []
    for graph in fields(content):
        if graph.number != 2:
            continue
        for part in fields(content, graph.start, graph.end):
            if part.number == 1:
                tags += [words(content, one) for one in fields(content, part.start, part.end) if one.number == 4]
            elif part.number == 2:
                tensors += _constants(content, part.start, part.end)
    return _graph_file(Format.SAVED_MODEL, content, tensors, [f"tags: {', '.join(tags)}"] if tags else [])


def is_graph(content: Content) -> bool:
    """Whether it is a frozen graph: nodes of a name and an operator each; raises Unreadable."""
    if content.head(1) != b"\x0a":
        return False
    first = None
    for one in fields(content):
        if one.number > 5 or (one.number in (1, 2, 4)) != (one.kind == BYTES):
            return False
        first = first or (one if one.number == 1 else None)
    if first is None:
        return False
    parts = {one.number: one for one in fields(content, first.start, first.end)}
    named = 1 in parts and 2 in parts and parts[1].kind == parts[2].kind == BYTES
    return named and _OPERATOR.fullmatch(words(content, parts[2])) is not None


def read_graph(content: Content) -> ModelFile:
    """The frozen graph in `content`, which `is_graph`."""
    return _graph_file(Format.TF_GRAPH, content, _constants(content, 0, content.size), [])


def _graph_file(kind: Format, content: Content, tensors: list[Tensor], remarks: list[str]) -> ModelFile:
    return ModelFile(
        kind,
        content.size,
        parameters=sum(tensor.elements for tensor in tensors if tensor.dtype != "STRING"),
        bytes_by_dtype=bytes_by_dtype(tensors),
        tensors=tuple(tensors),
        remarks=tuple(remarks),
    )


def _constants(content: Content, start: int, end: int) -> list[Tensor]:
    """The constants of a GraphDef and of the functions in its library."""
    found: list[Tensor] = []
    for one in fields(content, start, end):
        if one.number == 1 and one.kind == BYTES:
            found += _constant(content, one)
        elif one.number == 2 and one.kind == BYTES:
            for function in fields(content, one.start, one.end):
                if function.number == 1 and function.kind == BYTES:
                    for node in fields(content, function.start, function.end):
                        if node.number == 3 and node.kind == BYTES:
                            found += _constant(content, node)
        checked_count(found)
    return found


def _constant(content: Content, node: Field) -> list[Tensor]:
    name = operator = ""
    attributes = []
    for one in fields(content, node.start, node.end):
        if one.number == 1:
            name = words(content, one)
        elif one.number == 2:
            operator = words(content, one)
            if operator != "Const":
                return []
        elif one.number == 5 and one.kind == BYTES:
            attributes.append(one)
    found = []
    for attribute in attributes if operator == "Const" else ():
        parts = {one.number: one for one in fields(content, attribute.start, attribute.end)}
        if 1 in parts and 2 in parts and words(content, parts[1]) == "value":
            for one in fields(content, parts[2].start, parts[2].end):
                if one.number == 8 and one.kind == BYTES:
                    found.append(_tensor(content, one, name))
    return found


def _tensor(content: Content, one: Field, name: str) -> Tensor:
    """A TensorProto (tensor.proto); its values may be told once for all elements."""
    kind = stored = 0
    shape: tuple[int, ...] = ()
    place: int | None = None
    for part in fields(content, one.start, one.end):
        if part.number == 1 and part.kind == VARINT:
            kind = part.value
        elif part.number == 2 and part.kind == BYTES:
            shape = _shape(content, part)
        elif part.number == 4 and part.kind == BYTES:
            stored, place = part.size, part.start
        elif part.number >= 5:
            stored += part.end - part.start
    elements_of(shape)
    return Tensor(name, _DTYPES.get(kind, ("OTHER", 0))[0], shape, stored, place)


def _shape(content: Content, one: Field) -> tuple[int, ...]:
    """A TensorShapeProto; an unknown length is one."""
    found = []
    for dimension in fields(content, one.start, one.end):
        if dimension.number == 2 and dimension.kind == BYTES:
            inner = fields(content, dimension.start, dimension.end)
            found.append(max(1, next((signed(part.value) for part in inner if part.number == 1), 0)))
    if len(found) > _MOST_DIMENSIONS:
        raise Unreadable(f"a tensor of {len(found):,} dimensions")
    return tuple(found)


def is_variables(content: Content) -> bool:
    """Whether it is an index of variables, by its last bytes."""
    return content.size > _FOOTER and content.whole and content.at(content.size - 8, 8) == TABLE_MAGIC


def read_variables(content: Content) -> ModelFile:
    """The index of variables in `content`: every variable, with the data file that holds it."""
    shards = 1
    entries: list[tuple[str, Field]] = []
    for key, value in _table(content):
        if not key:
            shards = next((one.value for one in fields(content, value.start, value.end) if one.number == 1), 1)
        else:
            entries.append((text(key), value))
            checked_count(entries)
    tensors = [_variable(content, name, value, shards) for name, value in entries]
    optimizer = [one for one in tensors if _OPTIMIZER.search(one.name)]
    weights = [one for one in tensors if not _OPTIMIZER.search(one.name)]
    size = sum(one.bytes for one in optimizer)
    reach: dict[str, int] = {}
    for one in tensors:
        reach[one.file] = max(reach.get(one.file, 0), (one.offset or 0) + one.bytes)
    return ModelFile(
        Format.TF_VARIABLES,
        content.size,
        parameters=sum(one.elements for one in weights if one.dtype != "STRING"),
        bytes_by_dtype=bytes_by_dtype(tensors),
        tensors=tuple(weights),
        optimizer_bytes=size,
        leftovers=(Leftover("optimizer", size, "optimizer state"),) if optimizer else (),
        external=tuple(ExternalFile(path, count) for path, count in sorted(reach.items())),
    )


def _variable(content: Content, name: str, value: Field, shards: int) -> Tensor:
    parts = {one.number: one for one in fields(content, value.start, value.end)}
    numbers = {number: one.value for number, one in parts.items() if one.kind == VARINT}
    dtype, width = _DTYPES.get(numbers.get(1, 0), ("OTHER", 0))
    shape = _shape(content, parts[2]) if 2 in parts and parts[2].kind == BYTES else ()
    size, shard = numbers.get(5, 0), numbers.get(3, 0)
    if width and elements_of(shape) * width != size:
        raise Unreadable(f"variable {name[:100]!r} has {size:,} bytes, its shape takes {elements_of(shape) * width:,}")
    if shard >= shards or size >= 1 << 50:
        raise Unreadable(f"variable {name[:100]!r} is in data file {shard:,} of {shards:,}")
    file = f".data-{shard:05d}-of-{shards:05d}"
    return Tensor(name, dtype, shape, size, numbers.get(4, 0), file)


def _table(content: Content) -> Iterator[tuple[bytes, Field]]:
    """Keys of a table, and where their values lie."""
    footer = Cursor(content, content.size - _FOOTER)
    _handle(footer)  # of the metaindex, which has nothing
    for _, handle in _block(content, *_handle(footer)):
        yield from _block(content, *_handle(Cursor(content, handle.start, handle.end)))


def _handle(cursor: Cursor) -> tuple[int, int]:
    return _varint(cursor), _varint(cursor)


def _block(content: Content, start: int, size: int) -> Iterator[tuple[bytes, Field]]:
    if size > _MOST_BLOCK or start + size + _BLOCK_TRAILER > content.size or size < 4:
        raise Unreadable("a block of its table that reaches past the end")
    if content.integer(start + size, 1):
        raise Unreadable("a compressed block in its table, which TensorFlow does not write")
    restarts = 4 * content.integer(start + size - 4, 4) + 4
    if restarts > size:
        raise Unreadable("a block of its table that contradicts itself")
    cursor = Cursor(content, start, start + size - restarts)
    key = b""
    while cursor.left:
        content.step()
        shared, more, length = _varint(cursor), _varint(cursor), _varint(cursor)
        if shared > len(key) or more > MOST_NAME_BYTES or shared + more > MOST_NAME_BYTES:
            raise Unreadable("a key of its table that is none")
        key = key[:shared] + cursor.read(more)
        at = cursor.position
        cursor.skip(length)
        yield key, Field(0, BYTES, 0, at, at + length)


def _varint(cursor: Cursor) -> int:
    value = 0
    for shift in range(0, 64, 7):
        byte = cursor.byte()
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise Unreadable(f"a number of more than ten bytes before offset {cursor.position:,}")
