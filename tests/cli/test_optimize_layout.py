"""`slimml optimize --relayer`, and layers for old clients, from a real layout to another."""

import pytest
from application_image import application
from seen_root import seen
from tiny_image import put_layout

from slimml.oci.media_types import Compression
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image

ALONE = ("--relayer", "--no-remove", "--no-verify", "--yes")


@pytest.fixture
def first(tmp_path):
    put_layout(tmp_path / "one", application())
    return f"oci:{tmp_path}/one"


@pytest.fixture
def second(tmp_path):
    put_layout(tmp_path / "two", application(code=b"print(2)\n"))
    return f"oci:{tmp_path}/two"


def opened(words):
    return open_image(parse_reference(words))


def test_a_layout_alone_removes_nothing(slimml, first, tmp_path):
    ended = slimml("optimize", first, "-o", f"oci:{tmp_path}/out:1", *ALONE)
    assert ended.code == 0, ended.err
    assert seen(opened(f"oci:{tmp_path}/out:1")) == seen(opened(first))


def test_what_was_measured_is_what_analyze_says(slimml, first, tmp_path):
    after = slimml("optimize", first, "-o", f"oci:{tmp_path}/out:1", *ALONE, "--json").json["optimized"]["after"]
    image = slimml("analyze", f"oci:{tmp_path}/out:1", "--json").json["image"]
    assert {key: after[key] for key in ("disk_bytes", "compressed_bytes", "layers", "files")} == {
        key: image[key] for key in ("disk_bytes", "compressed_bytes", "layers", "files")
    }


def test_a_node_that_has_the_previous_image_fetches_little(slimml, first, second, tmp_path):
    slimml("optimize", first, "-o", f"oci:{tmp_path}/out:1", *ALONE)
    ended = slimml("optimize", second, "-o", f"oci:{tmp_path}/out:2", "--previous", f"oci:{tmp_path}/out:1", *ALONE)
    assert "layers stay as the previous image has them" in ended.err
    known = {layer.descriptor.digest for layer in opened(f"oci:{tmp_path}/out:1").layers}
    new = [layer for layer in opened(f"oci:{tmp_path}/out:2").layers if layer.descriptor.digest not in known]
    assert [layer.history.created_by for layer in new] == ["update"]


def test_a_previous_image_that_is_not_there_is_a_remark(slimml, first, tmp_path):
    ended = slimml("optimize", first, "-o", f"oci:{tmp_path}/out:1", "--previous", f"oci:{tmp_path}/none", *ALONE)
    assert (ended.code, "laid out as for a first build" in ended.err) == (0, True)


def test_restore_brings_back_what_was_removed_before_the_layout(slimml, sloppy, tmp_path):
    out = f"oci:{tmp_path}/out"
    ended = slimml("optimize", sloppy, "-o", f"{out}:1", "--relayer", "--keep-removed", "--no-verify", "--yes")
    assert ended.code == 0, ended.err
    ended = slimml("restore", f"{out}:1", "-t", "back")
    assert ended.code == 0, ended.err
    assert {path: told for path, (told, _) in seen(opened(f"{out}:back")).items() if told[0] == b"0"} == {
        path: told for path, (told, _) in seen(opened(sloppy)).items() if told[0] == b"0"
    }


@pytest.mark.parametrize(
    ("compat", "compression"),
    [
        ("docker20", Compression.GZIP),
        ("docker23", Compression.ZSTD),
        ("containerd", Compression.ZSTD),
        ("podman", Compression.ZSTD),
    ],
)
def test_new_layers_are_stored_for_the_client(slimml, first, tmp_path, compat, compression):
    slimml("optimize", first, "-o", f"oci:{tmp_path}/out:1", "--compat", compat, *ALONE)
    assert {layer.compression for layer in opened(f"oci:{tmp_path}/out:1").layers[1:]} == {compression}


@pytest.mark.parametrize("relayer", [True, False])
def test_layers_that_an_old_docker_cannot_unpack_are_stored_anew(slimml, tmp_path, relayer):
    put_layout(tmp_path / "zstd", application(compression=Compression.ZSTD))
    words = ALONE if relayer else ("--no-remove", "--no-verify", "--yes")
    ended = slimml("optimize", f"oci:{tmp_path}/zstd", "-o", f"oci:{tmp_path}/out:1", "--compat", "docker20", *words)
    assert ended.code == 0, ended.err
    assert {layer.compression for layer in opened(f"oci:{tmp_path}/out:1").layers} == {Compression.GZIP}


@pytest.mark.parametrize(
    "words",
    [
        ("--previous", "oci:x"),
        ("--base", "oci:x"),
        ("--no-remove",),
        ("--relayer", "--flatten"),
        ("--relayer", "--weights-layer"),
        ("--compat", "docker20", "--compression", "zstd"),
        ("--compression-level", "fast"),
        ("--no-remove", "--relayer", "--only", "pip-cache"),
        ("--compat", "docker19"),
    ],
)
def test_what_contradicts_itself_is_refused(slimml, first, words):
    ended = slimml("optimize", first, "--yes", *words)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
