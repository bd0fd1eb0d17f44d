"""The models of a directory, and of an image with the same files: what is twice, missing, or named by nobody."""

import json
import os
import struct
from pathlib import Path

import pytest
from tiny_image import tiny

from slimml.errors import NotFound, UsageError
from slimml.inventory.take import take_inventory
from slimml.models.directories import list_directory, list_file, look_at
from slimml.models.layered import list_image
from slimml.models.model_file import Format

FILES = Path(__file__).parent / "files"


def shard(name, length=2000):
    """A safetensors file of one tensor."""
    header = json.dumps({name: {"dtype": "F32", "shape": [length], "data_offsets": [0, 4 * length]}}).encode()
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", len(name)) * length


def contents():
    """Files of a small model directory, each with something to notice."""
    index = {
        "metadata": {"total_size": 1},
        "weight_map": {"a": "m-00001-of-00003.safetensors", "b": "m-00002-of-00003.safetensors"},
    }
    onnx = (FILES / "external.onnx").read_bytes()
    return {
        "shards/m.safetensors.index.json": json.dumps(index).encode(),
        "shards/m-00001-of-00003.safetensors": shard("a"),
        "shards/m-00003-of-00003.safetensors": shard("c"),
        "again/weights.bin": shard("a"),
        "onnx/model.onnx": onnx,
        "onnx/external.bin": bytes(1024),
        "short/model.onnx": onnx,
        "short/external.bin": bytes(1000),
        "spacy/meta.json": (FILES / "spacy-meta.json").read_bytes(),
        "spacy/vocab/strings.json": b'["a", "b"]' * 10,
        "variables/v.index": (FILES / "variables.index").read_bytes(),
        "variables/v.data-00000-of-00001": bytes(48),
        "README.md": b"# A model\n" * 20,
    }


@pytest.fixture
def root(tmp_path):
    for path, content in contents().items():
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


@pytest.fixture(params=["directory", "image"])
def listing(request, root):
    """The same files, in a directory and in an image."""
    if request.param == "directory":
        return list_directory(root)
    return list_image(take_inventory(tiny(contents())))


def test_every_model_is_listed_whatever_it_is_called(listing):
    assert [(one.path, one.model.format) for one in listing.models] == [
        ("again/weights.bin", Format.SAFETENSORS),
        ("onnx/model.onnx", Format.ONNX),
        ("shards/m-00001-of-00003.safetensors", Format.SAFETENSORS),
        ("shards/m-00003-of-00003.safetensors", Format.SAFETENSORS),
        ("shards/m.safetensors.index.json", Format.SAFETENSORS_INDEX),
        ("short/model.onnx", Format.ONNX),
        ("spacy/meta.json", Format.SPACY),
        ("variables/v.index", Format.TF_VARIABLES),
    ]


def test_external_data_belong_to_their_model(listing):
    (one,) = [one for one in listing.models if one.path == "onnx/model.onnx"]
    assert (one.parts, one.bytes) == (("onnx/external.bin",), one.model.size + 1024)


def test_variables_belong_to_their_index(listing):
    (one,) = [one for one in listing.models if one.path == "variables/v.index"]
    assert one.parts == ("variables/v.data-00000-of-00001",)


def test_a_pipeline_is_its_directory(listing):
    (one,) = [one for one in listing.models if one.path == "spacy/meta.json"]
    assert (one.parts, one.bytes) == (("spacy/vocab/strings.json",), one.model.size + 100)


def test_the_same_content_under_two_names_is_told(listing):
    assert [one.paths for one in listing.duplicates] == [("again/weights.bin", "shards/m-00001-of-00003.safetensors")]


def test_what_a_model_names_in_vain_is_told(listing):
    assert [(one.path, one.names, one.reason) for one in listing.missing] == [
        ("shards/m.safetensors.index.json", "m-00002-of-00003.safetensors", "is not there"),
        ("short/model.onnx", "external.bin", "has 1,000 bytes, 1,024 are needed"),
    ]


def test_a_shard_that_no_index_names_is_told(listing):
    assert listing.orphans == ("shards/m-00003-of-00003.safetensors",)


def test_what_a_layer_hides_is_not_listed():
    image = tiny({"m/a.pt": (FILES / "checkpoint.pt").read_bytes()}, {"m/.wh.a.pt": b""})
    assert list_image(take_inventory(image)).models == ()


def test_a_large_model_passes_through_a_file(monkeypatch):
    monkeypatch.setattr("slimml.models.layered._IN_MEMORY_BYTES", 0)
    image = tiny({name: (FILES / name).read_bytes() for name in ("checkpoint.pt", "model.keras", "tiny.gguf")})
    assert [one.model.unread for one in list_image(take_inventory(image)).models] == ["", "", ""]


def test_a_model_past_what_is_kept_is_said_to_be_unread(monkeypatch):
    monkeypatch.setattr("slimml.models.layered.MOST_SPOOLED_BYTES", 1000)
    (one,) = list_image(take_inventory(tiny({"model.onnx": (FILES / "model.onnx").read_bytes()}))).models
    assert "1,000 bytes" in one.model.unread


def test_links_are_not_followed(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "model.safetensors").write_bytes(shard("a"))
    os.symlink("../model.safetensors", tmp_path / "d" / "link.safetensors")
    os.symlink("..", tmp_path / "d" / "up")
    assert list_directory(tmp_path / "d").models == ()


def test_two_names_of_one_file_are_no_duplicate(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(shard("a"))
    os.link(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert list_directory(tmp_path).duplicates == ()


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.onnx")
    assert list_directory(tmp_path).models == ()


def test_external_data_outside_the_directory_are_missing(tmp_path):
    data = (FILES / "external.onnx").read_bytes().replace(b"external.bin", b"../../../etc")
    (tmp_path / "model.onnx").write_bytes(data)
    assert [one.names for one in list_directory(tmp_path).missing] == ["../../../etc"]


def test_a_file_is_a_listing_of_its_own():
    (one,) = list_file(FILES / "model.onnx").models
    assert one.path == "model.onnx"


def test_a_file_that_is_not_there():
    with pytest.raises(NotFound):
        look_at(FILES / "nothing")


def test_a_directory_is_not_looked_at_as_a_file():
    with pytest.raises(UsageError, match="directory"):
        look_at(FILES)
