"""slimml models list and inspect: text, documents, and how they end."""

import json
import pickle
from pathlib import Path

import jsonschema
import pytest
from tiny_image import tiny

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image
from slimml.report.json import schema_text

FILES = Path(__file__).resolve().parents[1] / "models/files"


class Evil:
    """Its pickle calls eval."""

    def __reduce__(self):
        return eval, ("1",)


def conforms(found, name):
    jsonschema.validate(found, json.loads(schema_text(name)))


@pytest.fixture
def evil(at_home):
    path = at_home / "evil.pkl"
    path.write_bytes(pickle.dumps({"weights": Evil()}))
    return path


def test_a_directory_is_listed(slimml):
    ended = slimml("models", "list", FILES, "--json")
    conforms(ended.json, "models-list")
    assert (ended.code, len(ended.json["models"])) == (0, 29)


def test_an_image_is_listed_like_a_directory(slimml, tmp_path):
    files = {f"app/{path.name}": path.read_bytes() for path in FILES.iterdir() if path.is_file()}
    write_image(tiny(files), parse_reference(f"oci:{tmp_path}/models:v1"))
    ended = slimml("models", "list", f"oci:{tmp_path}/models:v1", "--json")
    conforms(ended.json, "models-list")
    paths = [model["path"].removeprefix("app/") for model in ended.json["models"]]
    assert paths == [model["path"] for model in slimml("models", "list", FILES, "--json").json["models"]]


def test_the_list_says_what_only_training_needs(slimml):
    assert "checkpoint.pt: optimizer state in optimizer: 480 B" in slimml("models", "list", FILES).out


def test_the_list_says_what_would_run(slimml, evil, at_home):
    assert "evil.pkl: would run builtins.eval when loaded" in slimml("models", "list", at_home).out


def test_a_model_in_full(slimml):
    ended = slimml("models", "inspect", FILES / "checkpoint.pt", "--json")
    conforms(ended.json, "models-inspect")
    weight = {one["name"]: one for one in ended.json["all_tensors"]}["model.0.weight"]
    assert (weight["dtype"], weight["shape"], weight["bytes"]) == ("F32", [8, 4], 128)


@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir() if path.suffix not in (".py", "")))
def test_every_format_in_text(slimml, name):
    ended = slimml("models", "inspect", FILES / name)
    assert ended.code == (8 if name == "external.bin" else 0)


def test_a_pickle_that_would_run_something_is_told(slimml, evil):
    ended = slimml("models", "inspect", evil)
    assert (ended.code, "would run builtins.eval when loaded" in ended.out) == (0, True)


def test_a_damaged_model_is_one_line(slimml, at_home):
    (at_home / "model.onnx").write_bytes((FILES / "model.onnx").read_bytes()[:-300])
    ended = slimml("models", "inspect", "model.onnx", "--json")
    assert (ended.code, ended.out, ended.err.count("\n")) == (6, "", 1)


def test_a_file_that_is_no_model(slimml, at_home):
    (at_home / "notes.txt").write_text("nothing but words\n" * 9)
    assert slimml("models", "inspect", "notes.txt").code == 8


@pytest.mark.parametrize(("word", "code"), [("nothing", 3), (".", 2)])
def test_a_file_that_is_none(slimml, word, code):
    assert slimml("models", "inspect", word).code == code


def test_names_steer_no_terminal(slimml, at_home):
    (at_home / "a\x1b[2Jb.safetensors").write_bytes((FILES / "model.safetensors").read_bytes())
    assert "\x1b" not in slimml("models", "list", at_home).out
