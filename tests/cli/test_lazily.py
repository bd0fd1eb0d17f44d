"""`slimml copy --lazy` and `slimml optimize --lazy`: formats that clients may fetch parts of, by name and in order."""

import io
import tarfile

import pytest
from lazy_layers import plain_tar, with_directories
from tiny_image import tiny
from used_image import SITE, recording_of, used_image

from slimml.inventory.take import take_inventory
from slimml.oci.lazy.formats import LazyFormat, format_of
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.oci.validate import validate
from slimml.usage.recording_file import save_recording

FORMATS = [one.value for one in LazyFormat]


def opened(reference):
    return open_image(parse_reference(reference))


def names_in(layer):
    """The names of files in a layer's tar, in order."""
    with tarfile.open(fileobj=io.BytesIO(plain_tar(layer))) as archive:
        return [member.name for member in archive if member.isfile()]


@pytest.fixture
def image(tmp_path):
    """An image in a layout, by its reference."""
    reference = f"oci:{tmp_path / 'used'}:1"
    write_image(with_directories(used_image()), parse_reference(reference))
    return reference


@pytest.fixture
def record(tmp_path):
    """Records uses of these paths of an image into a file."""

    def act(reference, *paths, name="recording.json"):
        save_recording(recording_of(take_inventory(opened(reference)), *paths), tmp_path / name)
        return str(tmp_path / name)

    return act


@pytest.mark.parametrize("wanted", FORMATS)
def test_copy_stores_every_layer_in_the_format(slimml, image, tmp_path, wanted):
    assert slimml("copy", image, f"oci:{tmp_path}/lazy:1", "--lazy", wanted).code == 0
    found = opened(f"oci:{tmp_path}/lazy:1")
    assert {format_of(layer.descriptor) for layer in found.layers} == {LazyFormat(wanted)}
    assert validate(found).problems == ()


@pytest.mark.parametrize("wanted", FORMATS)
def test_validate_tells_that_the_format_was_looked_at(slimml, image, tmp_path, wanted):
    slimml("copy", image, f"oci:{tmp_path}/lazy:1", "--lazy", wanted)
    ended = slimml("validate", f"oci:{tmp_path}/lazy:1", "--json")
    assert ended.code == 0
    assert "its table of contents is found" in ended.out


def test_what_was_used_comes_first_in_the_order_of_its_use(slimml, image, record, tmp_path):
    file = record(image, "srv/notes.txt", "srv/app.py", f"{SITE}/numpy/testing.py")
    assert slimml("copy", image, f"oci:{tmp_path}/lazy:1", "--lazy", "estargz", "--recording", file).code == 0
    found = opened(f"oci:{tmp_path}/lazy:1")
    assert names_in(found.layers[2])[:3] == ["srv/notes.txt", "srv/app.py", ".prefetch.landmark"]
    assert names_in(found.layers[1])[:2] == [f"{SITE}/numpy/testing.py", ".prefetch.landmark"]
    assert ".no.prefetch.landmark" in names_in(found.layers[0])


def test_the_order_that_optimize_kept_serves_as_well(slimml, image, record, tmp_path):
    file = record(image, "srv/notes.txt", "srv/app.py")
    slimml("optimize", image, "-o", f"oci-archive:{tmp_path}/slim.tar:1", "--recording", file, "--yes", "--no-verify")
    slim, order = f"oci-archive:{tmp_path}/slim.tar:1", f"{tmp_path}/slim.tar.start-order.json"
    ended = slimml("copy", slim, f"oci:{tmp_path}/lazy:1", "--lazy", "estargz", "--recording", order)
    assert ended.code == 0
    top = names_in(opened(f"oci:{tmp_path}/lazy:1").layers[-1])
    assert top[:3] == ["srv/notes.txt", "srv/app.py", ".prefetch.landmark"]


def test_a_recording_of_another_image_is_refused(slimml, image, record, tmp_path):
    other = f"oci:{tmp_path / 'other'}:1"
    write_image(tiny({"srv/app.py": b"another"}), parse_reference(other))
    file = record(other, "srv/app.py", name="other.json")
    ended = slimml("copy", image, f"oci:{tmp_path}/lazy:1", "--lazy", "estargz", "--recording", file)
    assert ended.code == 7
    assert "is of another image" in ended.err
    assert not (tmp_path / "lazy").exists()


def test_a_file_that_is_no_recording_is_an_error_in_one_line(slimml, image, tmp_path):
    (tmp_path / "junk").write_bytes(b'{"schema": "slimml.start-order/1", "files": [7], "diff_ids": []}')
    ended = slimml("copy", image, f"oci:{tmp_path}/lazy:1", "--lazy", "estargz", "--recording", str(tmp_path / "junk"))
    assert ended.code == 6
    assert ended.err.count("\n") == 1


def test_layers_of_a_base_stay_as_they_are(slimml, image, tmp_path):
    base = f"oci:{tmp_path / 'base'}:1"
    write_image(opened(image), parse_reference(base))
    assert slimml("copy", image, f"oci:{tmp_path}/lazy:1", "--lazy", "zstd-chunked", "--base", base).code == 0
    found, before = opened(f"oci:{tmp_path}/lazy:1"), opened(image)
    assert [one.descriptor for one in found.layers] == [one.descriptor for one in before.layers]


@pytest.mark.parametrize(
    "words",
    [
        ("--recording", "x"),
        ("--base", "oci:x:1"),
        ("--compression", "gzip:9"),
        ("--lazy", "zstd-chunked", "--compression", "gzip:9"),
        ("--lazy", "zstd-chunked", "--recording", "x"),
        ("--lazy", "soci"),
    ],
)
def test_what_makes_no_sense_is_an_error_of_use(slimml, image, tmp_path, words):
    assert slimml("copy", image, f"oci:{tmp_path}/lazy:1", *words).code == 2


@pytest.mark.parametrize("place", ["docker-daemon:app:1", "docker-archive:app.tar:app:1"])
def test_a_place_that_unpacks_layers_is_an_error_of_use(slimml, image, place):
    ended = slimml("copy", image, place, "--lazy", "estargz")
    assert ended.code == 2
    assert "would be lost there" in ended.err


def test_a_stronger_compression_is_smaller(slimml, image, tmp_path):
    sizes = []
    for level in (1, 12):
        slimml("copy", image, f"oci:{tmp_path}/{level}:1", "--lazy", "estargz", "--compression", f"gzip:{level}")
        sizes.append(opened(f"oci:{tmp_path}/{level}:1").compressed_bytes)
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("wanted", FORMATS)
def test_optimize_stores_its_result_in_the_format(slimml, image, record, tmp_path, wanted):
    file = record(image, "srv/app.py")
    ended = slimml("optimize", image, "--recording", file, "--yes", "--no-verify", "--lazy", wanted, "--keep-removed")
    assert ended.code == 0, ended.err
    found = opened(f"{image}-slim")
    assert {format_of(layer.descriptor) for layer in found.layers} == {LazyFormat(wanted)}
    assert validate(found).problems == ()


def test_optimize_puts_first_what_its_recording_used(slimml, image, record):
    file = record(image, "srv/app.py")
    slimml("optimize", image, "--recording", file, "--yes", "--no-verify", "--lazy", "estargz")
    assert names_in(opened(f"{image}-slim").layers[-1])[:2] == ["srv/app.py", ".prefetch.landmark"]


@pytest.mark.parametrize("wanted", FORMATS)
def test_what_optimize_removed_comes_back_from_a_lazy_image(slimml, image, record, wanted):
    file = record(image, "srv/app.py")
    slimml("optimize", image, "--recording", file, "--yes", "--no-verify", "--lazy", wanted, "--keep-removed")
    assert slimml("restore", f"{image}-slim", "/usr/bin/git").code == 0
    assert "usr/bin/git" in names_in(opened(f"{image}-slim-restored").layers[-1])


def test_the_ledger_says_how_the_result_is_stored(slimml, image, record, tmp_path):
    file = record(image, "srv/app.py")
    slimml(
        "optimize", image, "--recording", file, "--yes", "--no-verify", "--lazy", "estargz", "--ledger", tmp_path / "l"
    )
    assert '"lazy":"estargz"' in (tmp_path / "l").read_text().replace(" ", "")
