"""Arrays and columns out of files: NumPy's own formats and Parquet, and what a zip archive holds."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from slimml.verify.values import Blob, Numbers, Value


def read_npy(data: bytes) -> Value:
    """A .npy file; pickled objects in it are not read (ValueError)."""
    import numpy as np

    return _numbers(np.load(io.BytesIO(data), allow_pickle=False))


def read_npz(data: bytes) -> Value:
    """A .npz file: its arrays by name."""
    import numpy as np

    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: _numbers(arrays[name]) for name in arrays.files}


def read_parquet(data: bytes) -> Value:
    """A Parquet file: its columns in their order, each with its type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    columns: list[Value] = []
    for field, column in zip(table.schema, table.columns, strict=True):
        plain = (pa.types.is_floating(field.type) or pa.types.is_integer(field.type)) and not column.null_count
        values = _numbers(column.to_numpy()) if plain else _listed(column.to_pylist())
        columns.append({"name": field.name, "type": str(field.type), "values": values})
    return columns


def read_zip(data: bytes) -> Value:
    """A zip archive: size and CRC-32 of each member by name. When they were put in does not matter."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            member.filename: Blob(member.file_size, f"{member.CRC:08x}", "a member") for member in archive.infolist()
        }


def _numbers(array: Any) -> Value:
    if array.dtype.hasobject:
        raise ValueError("objects")
    if array.dtype.kind not in "fciub":
        return _listed(array.tolist())
    return Numbers(str(array.dtype), tuple(array.shape), array)


def _listed(value: Any) -> Value:
    """Python's own values out of a column, what JSON has no word for as text."""
    if isinstance(value, dict):
        return {str(key): _listed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
