"""`slimml optimize A B --shared`: what images have in common is one layer before and after."""

import json

import jsonschema
import pytest
from layered_image import file, image_of, root_of
from used_image import SITE, distribution, noise, package, recording_of, stanza

from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.report.json import schema_text
from slimml.usage.recording_file import save_recording

BASE = [
    file("var/lib/dpkg/status", "\n".join([stanza("git"), stanza("perl")]).encode()),
    *package("git", "usr/bin/git"),
    *package("perl", "usr/bin/perl"),
]
DISTRIBUTIONS = [*distribution("numpy", "numpy/core.py"), *distribution("black", "black/main.py")]


@pytest.fixture
def images(tmp_path):
    """Two images on one base, by their references."""
    found = []
    for name in ("one", "two"):
        reference = f"oci:{tmp_path / name}:1"
        made = image_of(BASE, DISTRIBUTIONS, [file(f"srv/{name}.py", noise(3000, name))])
        write_image(made, parse_reference(reference))
        found.append(reference)
    return found


def opened(reference):
    return open_image(parse_reference(reference))


@pytest.fixture
def recordings(images, tmp_path):
    """One for each image: the first uses perl, the second numpy."""
    words = []
    uses = [("srv/one.py", "usr/bin/perl"), ("srv/two.py", f"{SITE}/numpy/core.py")]
    for number, (reference, paths) in enumerate(zip(images, uses, strict=True)):
        place = tmp_path / f"{number}.recording"
        save_recording(recording_of(take_inventory(opened(reference)), *paths), place)
        words += ["--recording", place]
    return words


def test_shared_layers_keep_what_either_uses_and_stay_the_same(slimml, images, recordings):
    ended = slimml("optimize", *images, "--shared", *recordings, "--yes", "--no-verify")
    assert ended.code == 0
    one, two = (opened(f"{reference}-slim") for reference in images)
    assert [layer.diff_id for layer in one.layers][:2] == [layer.diff_id for layer in two.layers][:2]
    for image in (one, two):
        assert {"usr/bin/perl", f"{SITE}/numpy/core.py"} <= set(root_of(image))
        assert not {"usr/bin/git", f"{SITE}/black/main.py"} & set(root_of(image))


def test_the_document_has_each_image_and_keeps_to_its_schema(slimml, images, recordings):
    found = slimml("optimize", *images, "--shared", *recordings, "--yes", "--no-verify", "--json").json
    jsonschema.validate(found, json.loads(schema_text("optimize-shared")))
    assert found["shared_layers"] == [2, 2]
    assert [one["optimized"]["result"]["reference"] for one in found["images"]] == [f"{it}-slim" for it in images]


def test_a_dry_run_shows_all_plans(slimml, images, recordings):
    ended = slimml("optimize", *images, "--shared", *recordings, "--dry-run")
    assert ended.out.count("Plan for") == 2


def test_an_image_without_a_recording_is_told(slimml, images, recordings):
    ended = slimml("optimize", *images, "--shared", *recordings[:2], "--yes")
    assert ended.code == 2
    assert "slimml record" in ended.err


@pytest.mark.parametrize("words", [["-t", "x"], ["-o", "oci:x"], ["--ledger", "x"], ["--flatten"]])
def test_what_is_for_one_image_is_refused(slimml, images, words):
    assert slimml("optimize", *images, "--shared", *words, "--yes", "--no-verify").code == 2


def test_several_images_need_the_option_and_the_option_several_images(slimml, images):
    assert slimml("optimize", *images, "--yes").code == 2
    assert slimml("optimize", images[0], "--shared", "--yes").code == 2
