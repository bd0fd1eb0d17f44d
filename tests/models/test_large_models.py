"""Models of gigabytes: only what describes them is read."""

import json
import resource
import struct
import subprocess
import sys
import time

from slimml.models.directories import list_directory
from slimml.models.recognise import recognise_file

GIB = 1 << 30


def write_shard(path, prefix, size=GIB, tensors=150):
    """A safetensors file whose tensors are a hole in the file."""
    each = size // tensors // 4
    header = {
        f"{prefix}.{number}.weight": {
            "dtype": "F32",
            "shape": [each],
            "data_offsets": [number * each * 4, (number + 1) * each * 4],
        }
        for number in range(tensors)
    }
    data = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(data)) + data)
        file.truncate(8 + len(data) + each * 4 * tensors)
    return list(header)


def test_three_gigabytes_of_shards_are_listed_in_two_seconds(tmp_path):
    names = {f"model-0000{number}-of-00003.safetensors": "layer" * number for number in (1, 2, 3)}
    where = {tensor: name for name, prefix in names.items() for tensor in write_shard(tmp_path / name, prefix)}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    begun = time.process_time()
    listing = list_directory(tmp_path)
    assert time.process_time() - begun < 2
    assert sum(len(one.model.tensors) for one in listing.models) == 450


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_an_onnx_model_of_two_gigabytes_takes_little_memory(tmp_path):
    path, count = tmp_path / "model.onnx", (2 * GIB - (1 << 20)) // 4
    tensor = varint(1 << 3) + varint(count) + b"\x10\x01" + b"\x42\x01W" + varint(9 << 3 | 2) + varint(count * 4)
    initializer = varint(5 << 3 | 2) + varint(len(tensor) + count * 4) + tensor
    graph = varint(7 << 3 | 2) + varint(len(initializer) + count * 4) + initializer
    head = b"\x08\x09" + b"\x42\x04\x0a\x00\x10\x11" + graph
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + count * 4)
    code = (
        "import resource, sys; from pathlib import Path; from slimml.models.recognise import recognise_file\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "model = recognise_file(Path(sys.argv[1])); after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(model.parameters, after - before)"
    )
    said = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    parameters, grown = map(int, said.split())
    assert parameters == count
    assert grown < 8 << 10


def test_only_the_header_of_a_shard_is_read(tmp_path):
    write_shard(tmp_path / "model.safetensors", "layer")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = recognise_file(tmp_path / "model.safetensors")
    assert len(model.tensors) == 150
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 << 10
