"""`validate` finds each way in which an image can break its own promises."""

import io
import tarfile
from dataclasses import replace

import pytest
from tiny_image import read_layers, tiny

from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.image import Layer
from slimml.oci.media_types import OCI_LAYER_NONDISTRIBUTABLE, Compression
from slimml.oci.validate import validate


def problems(image):
    return [check.problem for check in validate(image).problems]


def tar_with(*members):
    """A tar of (name, type, link) members without content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            archive.addfile(member)
    return out.getvalue()


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize("docker", [False, True])
def test_a_sound_image_has_no_problems(compression, docker):
    report = validate(tiny({"a": b"1", "b/c": b"2" * 5000}, {"d": b"3"}, compression=compression, docker=docker))
    assert not report.problems


def test_what_was_looked_at_is_told():
    subjects = {check.subject for check in validate(tiny({"a": b"1"})).checks}
    assert {"config", "history"} < subjects


def test_a_changed_blob_is_found():
    image = tiny({"a": b"1"})
    blob = image.layers[0].descriptor.digest
    content = image.layers[0].blobs.content
    content[blob] = content[blob][:-1] + b"\1"
    (problem,) = problems(image)
    assert blob in problem


def test_a_missing_blob_is_found():
    image = tiny({"a": b"1"})
    del image.layers[0].blobs.content[image.layers[0].descriptor.digest]
    assert len(problems(image)) == 1


def test_a_wrong_diff_id_is_found():
    image = tiny({"a": b"1"})
    wrong = replace(image, layers=(replace(image.layers[0], diff_id=sha256(b"other")),))
    (problem,) = problems(wrong)
    assert sha256(b"other") in problem


def test_a_media_type_that_names_another_compression_is_found():
    image = tiny({"a": b"1"})
    descriptor = image.layers[0].descriptor
    zstd = replace(descriptor, media_type=descriptor.media_type.replace("gzip", "zstd"))
    layer = replace(image.layers[0], descriptor=zstd)
    assert any("gzip" in problem for problem in problems(replace(image, layers=(layer,))))


def test_a_history_of_other_length_is_found():
    image = tiny({"a": b"1"}, {"b": b"2"}, config={"history": [{"created_by": "RUN one"}]})
    assert problems(image) == ["1 steps made a layer, and there are 2 layers"]


def test_an_image_without_history_is_valid():
    assert not problems(tiny({"a": b"1"}, config={"history": []}))


def test_a_config_of_the_other_family_is_found():
    image = tiny({"a": b"1"})
    docker = tiny({"a": b"1"}, docker=True)
    config = replace(image.manifest.config, media_type=docker.manifest.config.media_type)
    assert len(problems(replace(image, manifest=replace(image.manifest, config=config)))) == 1


def test_a_tar_that_is_cut_off_is_found():
    whole = tiny({"a": b"1" * 5000})
    cut = tiny(read_layers(whole)[0][:2000])
    (problem,) = problems(cut)
    assert "cut off" in problem


def test_a_hard_link_to_nothing_is_found():
    (problem,) = problems(tiny(tar_with(("a", tarfile.LNKTYPE, "b"))))
    assert "hard link" in problem


def test_a_hard_link_to_a_lower_layer_is_fine():
    assert not problems(tiny({"b": b"1"}, tar_with(("a", tarfile.LNKTYPE, "b"))))


def test_a_path_beneath_a_link_of_its_layer_is_found():
    (problem,) = problems(tiny(tar_with(("a", tarfile.SYMTYPE, "/etc"), ("a/b/passwd", tarfile.REGTYPE, ""))))
    assert "beneath the link" in problem


def test_a_whiteout_after_its_own_entry_is_found():
    (problem,) = problems(tiny({"a": b"1", ".wh.a": b""}))
    assert "hidden after" in problem


def test_a_whiteout_of_a_lower_layer_is_fine():
    assert not problems(tiny({"a": b"1"}, {".wh.a": b""}))


def test_a_foreign_layer_that_is_elsewhere_is_fine():
    image = tiny({"a": b"1"})
    descriptor = Descriptor(OCI_LAYER_NONDISTRIBUTABLE, sha256(b"far"), 3, urls=("https://example.com/layer",))
    far = Layer(descriptor, sha256(b"far"), None, image.layers[0].blobs)
    assert not problems(replace(image, layers=(far,)))
