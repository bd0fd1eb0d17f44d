"""safetensors cast to the type that the config names."""

import json
import random
import resource
import struct
import subprocess
import sys

import mutations
import numpy as np
import pytest

from slimml.models.cast import cast, type_of_config
from slimml.models.unsuitable import Unsuitable

ODD = np.array([0.0, -0.0, 1.0, 1.00390625, 1.01171875, 3.1415927, -65504.0, 1e-8, np.inf, np.nan], np.float32)


def write(path, tensors, metadata=None):
    header, place = {"__metadata__": metadata} if metadata else {}, 0
    names = {"float32": "F32", "int64": "I64", "float16": "F16"}
    for name, array in tensors.items():
        header[name] = {"dtype": names[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [place, place + array.nbytes]}  # fmt: skip
        place += array.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for a in tensors.values()))


def read(path):
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def test_half_precision_is_rounded_as_numpy_does(tmp_path):
    write(tmp_path / "old", {"weight": ODD})
    cast(tmp_path / "old", tmp_path / "new", "F16")
    assert np.array_equal(np.frombuffer(read(tmp_path / "new")[1], np.float16), ODD.astype(np.float16), equal_nan=True)


def test_bfloat16_is_rounded_to_nearest_even(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint32).view(np.float32)
    values = np.concatenate([values[np.isfinite(values)], ODD])
    write(tmp_path / "old", {"weight": values})
    cast(tmp_path / "old", tmp_path / "new", "BF16")
    with np.errstate(over="ignore"):
        expected = values.astype(ml_dtypes.bfloat16).astype(np.float32)
    found = np.frombuffer(read(tmp_path / "new")[1], ml_dtypes.bfloat16).astype(np.float32)
    assert np.array_equal(found, expected, equal_nan=True)


def test_other_types_and_the_metadata_stay(tmp_path):
    write(tmp_path / "old", {"ids": np.arange(5), "weight": ODD}, {"format": "pt"})
    cast(tmp_path / "old", tmp_path / "new", "BF16")
    header, body = read(tmp_path / "new")
    assert (header["__metadata__"], header["ids"]["dtype"], body[:40]) == (
        {"format": "pt"},
        "I64",
        np.arange(5).tobytes(),
    )


def test_values_beyond_half_precision_leave_the_file(tmp_path):
    write(tmp_path / "old", {"weight": np.array([1e6], np.float32)})
    with pytest.raises(Unsuitable, match="weight holds values"):
        cast(tmp_path / "old", tmp_path / "new", "F16")


@pytest.mark.parametrize(("config", "found"), [
    ('{"torch_dtype": "float16"}', "F16"), ('{"dtype": "bfloat16"}', "BF16"),
    ('{"torch_dtype": "torch.bfloat16"}', "BF16"),
    ('{"torch_dtype": "float32"}', None), ("{}", None), ("[]", None), ("{", None), ('{"dtype": 3}', None),
])  # fmt: skip
def test_only_a_config_that_names_a_half_sized_type_counts(tmp_path, config, found):
    (tmp_path / "config.json").write_text(config)
    assert type_of_config(tmp_path) == found


def test_no_config_no_type(tmp_path):
    assert type_of_config(tmp_path) is None


def entry(first=0, last=8, shape="[2]"):
    return f'{{"dtype": "F32", "shape": {shape}, "data_offsets": [{first}, {last}]}}'


@pytest.mark.parametrize("header", [
    "", "[]", "{", '{"a": 1}', f'{{"a": {entry(shape="[4]")}}}', f'{{"a": {entry()}, "b": {entry(4, 12)}}}',
    f'{{"a": {entry(0, -8, "[-2]")}}}', f'{{"a": {entry(shape="[1e30]")}}}', f'{{"a": {entry(8, 16)}}}',
])  # fmt: skip
def test_a_lying_header_leaves_the_file(tmp_path, header):
    (tmp_path / "old").write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(16))
    with pytest.raises(Unsuitable):
        cast(tmp_path / "old", tmp_path / "new", "F16")


def test_a_thousand_damaged_headers_are_cast_or_leave_nothing(tmp_path):
    chance = random.Random(6)
    document = {"a": json.loads(entry()), "b": json.loads(entry(8, 16)), "__metadata__": {"format": "pt"}}
    for _ in range(1000):
        header = mutations.damaged(document, chance)
        (tmp_path / "old").write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
        try:
            cast(tmp_path / "old", tmp_path / "new", "F16")
            (tmp_path / "new").unlink()
        except Unsuitable:
            assert not (tmp_path / "new").exists()


def test_a_large_file_needs_little_memory(tmp_path):
    size = 128 << 20
    text = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    with (tmp_path / "old").open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + size)
    program = (
        "import sys; from pathlib import Path; from slimml.models.cast import cast\n"
        "cast(Path(sys.argv[1]), Path(sys.argv[2]), 'BF16')"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    subprocess.run([sys.executable, "-c", program, tmp_path / "old", tmp_path / "new"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert max(after - before, 0) < 200 << 10
