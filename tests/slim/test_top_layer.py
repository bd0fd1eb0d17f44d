"""Weights in a layer of their own on top: the same root, the same layer for the same weights, whatever the code."""

import random

import pytest
from halving import Halving
from layered_image import file, folder, hardlink, image_of, root_of, whiteout

from slimml.inventory.kept_files import KeptFiles
from slimml.inventory.take import take_inventory
from slimml.slim.ledger import read_ledger
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.replacing.remembered import Remembered
from slimml.slim.replacing.replace import make_offers
from slimml.slim.restore import restore

WEIGHTS = random.Random(1).randbytes(1_100_000)
OTHER = random.Random(2).randbytes(1_200_000)
OPTIONS = Options(weights_layer=True)
CODE = random.Random(3).randbytes(5000)


@pytest.fixture
def lift(store):
    def act(image, **options):
        inventory = take_inventory(image)
        return carry_out(inventory, make_plan(inventory, (), Options(weights_layer=True, **options)), store)

    return act


def app(code=CODE, mtime=9):
    return [
        folder("app", mode=0o700, uid=5, mtime=mtime),
        file("app/main.py", code, mtime=mtime),
        file("app/model.onnx", WEIGHTS, mode=0o640, uid=5),
        file("app/z.safetensors", OTHER),
    ]


def lifted(image):
    """Paths of the uppermost layer's files."""
    layer = take_inventory(image).layers[-1].table
    return [
        path.decode() for path, size in zip(*(layer[it].to_pylist() for it in ("path", "size")), strict=True) if size
    ]


def without_time(root, path):
    return {name: entry if name != path else entry[:4] for name, entry in root.items()}


def test_the_root_stays_as_it_was(lift):
    image = image_of([file("etc/x")], app())
    found = lift(image).image
    # A directory above the weights gets a time that does not depend on the code.
    assert without_time(root_of(found), "app") == without_time(root_of(image), "app")
    assert lifted(found) == ["app/model.onnx", "app/z.safetensors"]


def test_a_change_of_code_leaves_the_layer_as_it_was(lift):
    one, two = (
        lift(image_of([file("etc/x")], app(code, mtime))).image for code, mtime in ((CODE, 9), (b"x" * 300, 10))
    )
    assert one.layers[-1].diff_id == two.layers[-1].diff_id
    assert one.layers[-2].diff_id != two.layers[-2].diff_id


def test_a_layer_of_nothing_but_weights_is_not_left_empty(lift):
    found = lift(image_of([file("etc/x", CODE)], [file("model.onnx", WEIGHTS)])).image
    assert len(found.layers) == 2
    assert [entry.empty for entry in found.config.history] == [False, True, False]


def test_hidden_copies_stay_hidden(lift):
    image = image_of([file("app/model.onnx", OTHER)], [file("app/model.onnx", WEIGHTS)], [file("y", CODE)])
    assert root_of(lift(image).image)["app/model.onnx"][1] == WEIGHTS


def test_what_a_later_layer_deletes_is_not_brought_back(lift):
    image = image_of(
        [file("app/a.onnx", OTHER), file("app/b.onnx", WEIGHTS)], [whiteout("app/a.onnx"), file("y", CODE)]
    )
    assert "app/a.onnx" not in root_of(lift(image).image)


def test_a_file_with_two_names_stays_with_both(lift):
    image = image_of([file("a.onnx", WEIGHTS), hardlink("b.onnx", "a.onnx"), file("c.onnx", OTHER)])
    found = lift(image).image
    assert root_of(found) == root_of(image)
    assert lifted(found) == ["c.onnx"]


def test_small_models_and_those_that_are_kept_stay(lift):
    image = image_of([file("a.onnx", WEIGHTS), file("b.onnx", CODE), file("c.onnx", OTHER)])
    assert lifted(lift(image, keep=("/a.onnx",)).image) == ["c.onnx"]


def test_a_new_content_is_written_on_top(store, tmp_path):
    image = image_of([file("a.onnx", WEIGHTS), file("b", CODE)])
    inventory = take_inventory(image)
    remembered = Remembered(KeptFiles(tmp_path / "cache"))
    shrinkers = (Halving(suffix=".onnx"),)
    offers = make_offers(inventory, make_plan(inventory, (), OPTIONS), shrinkers, tmp_path / "place", remembered)
    options = Options(weights_layer=True, keep_removed=True)
    found = carry_out(inventory, make_plan(inventory, (), options, offers=offers.taken), store)
    assert lifted(found.image) == ["a.onnx"]
    assert root_of(found.image)["a.onnx"][1] == WEIGHTS[: len(WEIGHTS) // 2]
    with store.open_blob(found.ledger) as stream:
        ledger = read_ledger(stream.read().splitlines(keepends=True))
    assert root_of(restore(found.image, ledger, found.removed, store, store).image) == root_of(image)


def test_two_runs_give_the_same_image(lift):
    image = image_of([file("etc/x")], app())
    assert lift(image).image.manifest.digest == lift(image).image.manifest.digest
