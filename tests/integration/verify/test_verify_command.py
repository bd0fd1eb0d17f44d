"""`slimml verify A B` as a user runs it: its exit codes, its document, and nothing left behind."""

import json
import subprocess
import sys

import jsonschema
import pytest

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image
from slimml.report.json import schema_text

ASK = ("--probe", "GET /data", "--probe", "GET /noisy", "--ready", "/health", "--runtime", "runc")


@pytest.fixture(scope="module")
def images(recipe, runc, tmp_path_factory):
    """A layout with the original, the same, and one that gives a wrong answer."""
    place = tmp_path_factory.mktemp("layouts") / "layout"
    made = {
        "original": recipe.image(),
        "wrong": recipe.image("wrong", changed={"opt/app/words.txt": b"one two four\n"}),
        "dead": recipe.image("dead", without=("opt/app/service.py",)),
    }
    for name, image in made.items():
        write_image(image, parse_reference(f"oci:{place}:{name}"))
    return {name: f"oci:{place}:{name}" for name in made}


def verify(*words):
    command = [sys.executable, "-m", "slimml", "verify", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("other", "code", "verdict"), [("original", 0, "same"), ("wrong", 10, "different"), ("dead", 10, "broken")]
)
def test_the_exit_code_is_the_verdict(images, other, code, verdict):
    ended = verify(images["original"], images[other], *ASK, "--json")
    found = json.loads(ended.stdout)
    jsonschema.validate(found, json.loads(schema_text("verification")))
    assert (ended.returncode, found["verdict"], ended.stderr) == (code, verdict, "")


def test_an_original_that_never_is_ready_proves_nothing(images):
    ended = verify(images["dead"], images["original"], *ASK)
    assert ended.returncode == 9
    assert "unproven: nothing is proven" in ended.stdout


def test_the_wrong_word_is_shown(images):
    ended = verify(images["original"], images["wrong"], *ASK)
    assert 'json:/2\n      original  "three"\n      other     "four"' in ended.stdout


def test_an_image_that_is_not_there_is_told(images):
    ended = verify(images["original"], images["original"] + "x", *ASK)
    assert (ended.returncode, ended.stderr.count("\n")) == (3, 1)
