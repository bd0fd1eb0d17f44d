"""The inventory of whole images: rows, hashes, captured databases, and sums that add up to the byte."""

import io
import os
import subprocess
import tarfile

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_image import tiny

from slimml.inventory.cache import LayerCache
from slimml.inventory.collect import LayerCollector
from slimml.inventory.form import form_of
from slimml.inventory.kept_files import KeptFiles
from slimml.inventory.table import State
from slimml.inventory.take import take_inventory
from slimml.oci.image import ScanFacts
from slimml.oci.media_types import Compression
from slimml.oci.tar.events import Kind
from slimml.oci.tar.reader import TarReader

CONTENT = os.urandom(200_000)


@pytest.mark.parametrize("compression", list(Compression))
def test_each_content_is_hashed(compression):
    inventory = take_inventory(tiny({"a": b"one", "b": CONTENT, "c": b""}, compression=compression))
    digests = dict(zip(inventory.paths, inventory.table["content"].to_pylist(), strict=True))
    assert digests == {
        "a": xxhash.xxh3_128_digest(b"one"),
        "b": xxhash.xxh3_128_digest(CONTENT),
        "c": xxhash.xxh3_128_digest(b""),
    }


@settings(max_examples=60, deadline=None)
@given(
    layers=st.lists(
        st.dictionaries(st.text("abc", min_size=1), st.binary(max_size=20_000), max_size=6), min_size=1, max_size=3
    ),
    compression=st.sampled_from(list(Compression)),
)
def test_every_byte_is_accounted_for_exactly_once(layers, compression):
    image = tiny(*layers, compression=compression)
    inventory = take_inventory(image)
    for layer, stored in zip(inventory.layers, image.layers, strict=True):
        assert int(layer.column("tar_bytes").sum()) + layer.trailer_bytes == layer.tar_bytes
        assert int(layer.column("compressed").sum()) + layer.trailer_compressed == layer.blob_bytes
        if compression is not Compression.NONE:
            assert layer.blob_bytes == stored.descriptor.size
        assert layer.estimated is (compression is Compression.NONE)
    assert inventory.disk_bytes == sum(len(content) for layer in layers for content in layer.values())


def test_databases_are_captured_and_shadowed_ones_do_not_count():
    old, new = b"Package: old\nStatus: install ok installed\n", b"Package: new\nStatus: install ok installed\n"
    inventory = take_inventory(tiny({"var/lib/dpkg/status": old}, {"var/lib/dpkg/status": new, "x": b"y"}))
    assert inventory.captured("var/lib/dpkg/status") == new
    assert inventory.captured("x") is None
    assert inventory.state.tolist() == [State.OVERWRITTEN, State.LIVE, State.LIVE]


def test_symbols_in_a_shared_object_are_counted_as_unmapped(tmp_path):
    source = tmp_path / "a.c"
    source.write_text("int answer(void) { return 42; }\n")
    subprocess.run(["gcc", "-g", "-shared", "-fPIC", "-o", tmp_path / "full.so", source], check=True)
    subprocess.run(["strip", "-o", tmp_path / "bare.so", tmp_path / "full.so"], check=True)
    full, bare = (tmp_path / "full.so").read_bytes(), (tmp_path / "bare.so").read_bytes()
    # Behind a large file, so that the second one streams past in pieces.
    inventory = take_inventory(tiny({"full.so": full, "bare.so": bare, "big": CONTENT * 3, "again.so": full}))
    debug = dict(zip(inventory.paths, inventory.column("debug").tolist(), strict=True))
    assert len(full) - len(bare) <= debug["full.so"] + 1024
    assert debug["full.so"] == debug["again.so"] > 1000
    assert debug["bare.so"] < 200
    forms = dict(zip(inventory.paths, inventory.table["form"].to_pylist(), strict=True))
    assert forms["full.so"] == "elf-shared"


@pytest.mark.parametrize("size", [10, 63, 64, 65, 300_000, 1_000_000])
def test_a_file_that_streams_in_pieces_is_the_same_as_one_in_a_piece(size):
    content = (b"\x7fELF\x02\x01\x01" + CONTENT * 6)[:size]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("lib/x.so")
        member.size = size
        archive.addfile(member, io.BytesIO(content))
    rows = []
    for step in (37, 512, 1 << 22):
        collector = LayerCollector()
        reader = TarReader(collector, "layer")
        data = buffer.getvalue()
        for start in range(0, len(data), step):
            reader.feed(data[start : start + step])
        reader.finish()
        facts = ScanFacts(len(data), len(data), None, ((0, 0), (len(data), 100)))
        rows.append(collector.inventory(facts).table.to_pylist())
    assert rows[0] == rows[1] == rows[2]


def test_a_file_whose_content_lies_elsewhere_is_told_by_name_and_looked_into_where_that_matters(tmp_path):
    library = (tmp_path / "lib.so").read_bytes() if (tmp_path / "lib.so").exists() else b"\x7fELF" + bytes(100)
    files = {"a.py": b"import os\n" * 500, "b.py": b"import os\n" * 500, "c.py": b"import sy\n" * 500, "x.so": library}
    collector = LayerCollector()
    reader = TarReader(collector, "layer")
    opened = []
    position = 0
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    data = buffer.getvalue()
    for path, content in files.items():
        reader.feed(data[position : position + 512])

        def opener(path=path, content=content):
            opened.append(path)
            return io.BytesIO(content)

        reader.skip(len(content), 1 if path in ("a.py", "b.py") else 2, opener)
        position += 512 + len(content)
        padding = -len(content) % 512
        reader.feed(data[position : position + padding])
        position += padding
    reader.feed(data[position:])
    reader.finish()
    table = collector.inventory(ScanFacts(len(data), None, None)).table
    contents = dict(zip(table["path"].to_pylist(), table["content"].to_pylist(), strict=True))
    assert contents[b"a.py"] == contents[b"b.py"] == xxhash.xxh3_128_digest(files["a.py"])
    assert contents[b"c.py"] is None
    assert table["crc64"].to_pylist() == [1, 1, 2, 2]
    assert "x.so" in opened


def test_a_layer_that_was_read_before_is_not_read_again(tmp_path):
    image = tiny({"a": b"one", "var/lib/dpkg/status": b"Package: x\n"}, {".wh.a": b"", "caf\udce9": b"x"})
    cache = LayerCache(KeptFiles(tmp_path))
    first = take_inventory(image, cache=cache)
    image.layers[0].blobs.content.clear()
    again = take_inventory(image, cache=cache)
    assert again.table.equals(first.table)
    assert again.paths == ["a", "var/lib/dpkg/status", "a", "caf\udce9"]
    assert again.column("kind").tolist() == [Kind.FILE, Kind.FILE, Kind.WHITEOUT, Kind.FILE]
    assert again.captured("var/lib/dpkg/status") == b"Package: x\n"
    assert np.array_equal(again.state, first.state)


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"x" * 100])
def test_a_damaged_cache_file_counts_as_absent(tmp_path, damage):
    image = tiny({"a": b"one"})
    take_inventory(image, cache=LayerCache(KeptFiles(tmp_path)))
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert take_inventory(image, cache=LayerCache(KeptFiles(tmp_path))).paths == ["a"]


def test_the_cache_keeps_to_its_size_and_drops_the_least_recently_used(tmp_path):
    files = KeptFiles(tmp_path)
    cache = LayerCache(files)
    images = [tiny({f"file{number}": os.urandom(10)}) for number in range(4)]
    for number, image in enumerate(images):
        take_inventory(image, cache=cache)
        for entry in files.entries():
            os.utime(tmp_path / entry.name, (entry.used - 100, entry.used - 100))
        assert len(files.entries()) == number + 1
    size = files.entries()[0].size
    assert cache.get(images[0].layers[0].descriptor.digest) is not None
    files.prune(2 * size)
    assert cache.get(images[0].layers[0].descriptor.digest) is not None
    assert cache.get(images[1].layers[0].descriptor.digest) is None
    assert files.clear() > 0
    assert files.entries() == []


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("a/x.py", b"import os", "python"),
        ("bin/tool", b"#!/bin/sh\n", "script"),
        ("m.onnx", b"\x08\x07\x12", "model-onnx"),
        ("model.pt", b"PK\x03\x04....", "model-torch"),
        ("x.whl", b"PK\x03\x04....", "package"),
        ("x.zip", b"PK\x03\x04....", "zip"),
        ("__pycache__/x.cpython-311.pyc", b"\xa7\r\r\n\0\0\0\0", "bytecode"),
        ("libx.so.1.2", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0\x3e\0", "elf-shared"),
        ("core", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x04\0\x3e\0", "elf-core"),
        ("libx.a", b"!<arch>\n", "static-library"),
        ("w", (1000).to_bytes(8, "little") + b'{"__metadata__"', "model-safetensors"),
        ("README", b"plain words", "text"),
        ("blob", b"\0\1\2\3", "other"),
        ("log.gz", b"\x1f\x8b\x08", "compressed"),
    ],
)
def test_forms_are_told_from_content_first_and_name_second(path, head, expected):
    assert form_of(path, head) == expected
