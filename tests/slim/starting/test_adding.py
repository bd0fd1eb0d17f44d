"""Bytecode gets into the layer of its source, and nothing else of an image changes."""

from dataclasses import replace

import pytest
from layered_image import file, finding, folder, image_of, root_of, rows_at, whiteout
from tiny_image import read_layers

from slimml.bloat.detect import find_bloat
from slimml.errors import InvalidImage
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.slim.ledger import read_ledger
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.restore import restore
from slimml.slim.starting.adding import add_bytecode, check_added
from slimml.slim.starting.compiling import Bytecode
from slimml.slim.starting.missing import uncompiled
from slimml.slim.starting.objective import Objective, Wish
from slimml.slim.starting.result import measure, unchanged, with_added

SITE = "usr/lib/python3.11/site-packages"
BELOW = [file("usr/bin/python3.11", mode=0o755)]
SOURCES = [folder(SITE, uid=5, mode=0o775), file(f"{SITE}/a.py", uid=7), file(f"{SITE}/b.py", mode=0o755)]
ABOVE = [file("etc/motd")]


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path)


@pytest.fixture
def image():
    return image_of(BELOW, SOURCES, ABOVE)


def files_of(inventory):
    return [Bytecode(module, b"code of " + module.source.encode()) for module in uncompiled(inventory)]


def added_to(image, store):
    inventory = take_inventory(image)
    return add_bytecode(inventory, files_of(inventory), store)


def test_the_root_has_the_bytecode_and_all_as_before(image, store):
    before, after = root_of(image), root_of(added_to(image, store))
    cache = f"{SITE}/__pycache__"
    gained = after.keys() - before.keys()
    assert gained == {cache, f"{cache}/a.cpython-311.pyc", f"{cache}/b.cpython-311.pyc"}
    assert {path: after[path] for path in before} == before


def test_bytecode_belongs_to_the_owner_of_its_source(image, store):
    after = root_of(added_to(image, store))
    cache = f"{SITE}/__pycache__"
    assert after[f"{cache}/a.cpython-311.pyc"][2:4] == (0o644, 7)
    assert after[f"{cache}/b.cpython-311.pyc"][2] == 0o644
    assert after[cache][2:4] == (0o775, 5)


def test_only_the_layer_of_the_sources_changes(image, store):
    after = added_to(image, store)
    same = [old.diff_id == new.diff_id for old, new in zip(image.layers, after.layers, strict=True)]
    assert same == [True, False, True]
    assert read_layers(after)[1].startswith(read_layers(image)[1].rstrip(b"\0"))


def test_the_same_gives_the_same_image(image, tmp_path):
    first, second = (added_to(image, BlobStore(tmp_path / name)) for name in ("one", "two"))
    assert first.manifest.digest == second.manifest.digest


def test_a_label_and_the_history_tell_of_it(image, store):
    after = added_to(image, store)
    assert after.config.runtime["Labels"]["org.slimml.bytecode"] == "2 modules"
    assert after.config.document["history"][-1]["created_by"] == "slimml optimize --compile-bytecode"


def test_bytecode_goes_above_the_layer_that_took_older_one_away(store):
    stale = file(f"{SITE}/__pycache__/old.cpython-311.pyc")
    image = image_of(BELOW, [*SOURCES, stale], [whiteout(f"{SITE}/__pycache__")])
    after = added_to(image, store)
    assert f"{SITE}/__pycache__/a.cpython-311.pyc" in root_of(after)
    assert f"{SITE}/__pycache__/old.cpython-311.pyc" not in root_of(after)
    assert image.layers[1].diff_id == after.layers[1].diff_id


def test_a_directory_that_is_made_anew_hides_what_it_held(store):
    stale = file(f"{SITE}/__pycache__/old.cpython-311.pyc")
    after = added_to(image_of(BELOW, [*SOURCES, stale], [whiteout(f"{SITE}/__pycache__")]), store)
    assert f"{SITE}/__pycache__/.wh..wh..opq".encode() in read_layers(after)[2]


def test_parents_that_the_layer_lacks_are_written_as_the_image_has_them(store):
    image = image_of([*BELOW, folder("opt", mode=0o700, uid=3)], [file("opt/m.py")])
    after = root_of(added_to(image, store))
    assert after["opt"] == root_of(image)["opt"]


def test_the_result_is_checked(image, store):
    inventory = take_inventory(image)
    files = files_of(inventory)
    check_added(inventory, take_inventory(add_bytecode(inventory, files, store)), files)
    with pytest.raises(InvalidImage, match="1 files are missing"):
        check_added(inventory, take_inventory(add_bytecode(inventory, files[:1], store)), files)


def test_nothing_is_missing_afterwards(image, store):
    assert uncompiled(take_inventory(added_to(image, store))) == ()


@pytest.mark.parametrize("level", ["0", "1"])
def test_what_was_added_is_not_found_to_be_waste(store, level):
    image = image_of(BELOW, SOURCES, config={"config": {"Env": [f"PYTHONOPTIMIZE={level}"]}})
    found = find_bloat(take_inventory(added_to(image, store)))
    assert [one.rule for one in found if "bytecode" in one.rule] == []


def test_the_ledger_knows_the_new_layers(image, store):
    inventory = take_inventory(image)
    base = unchanged(inventory, make_plan(inventory, (), Options()), store)
    after = take_inventory(added_to(image, store))
    found = with_added(base, after, 2, ["added bytecode"])
    with store.open_blob(found.ledger) as file_:
        ledger = read_ledger(file_.read(1 << 20).splitlines(keepends=True))
    assert ledger.result.diff_ids == tuple(layer.diff_id for layer in found.image.layers)
    assert ledger.source.diff_ids == tuple(layer.diff_id for layer in image.layers)
    assert ledger.notes == ("added bytecode",)
    assert found.image.config.runtime["Labels"]["org.slimml.ledger.digest"] == found.ledger.digest
    assert (found.after, found.added) == (measure(after), 2)


@pytest.mark.parametrize(
    ("wish", "tries", "insists"),
    [
        (Wish(), True, False),
        (Wish(Objective.START), True, True),
        (Wish(Objective.SIZE), False, False),
        (Wish(Objective.PULL), False, False),
        (Wish(Objective.SIZE, compile=True), True, True),
        (Wish(Objective.START, compile=False), False, False),
    ],
)
def test_the_objective_says_what_is_tried(wish, tries, insists):
    assert (wish.tries, wish.insists) == (tries, insists)


def test_balance_takes_nothing_that_makes_an_image_larger_than_it_was():
    assert not Wish().accepts(100, 101)
    assert Wish().accepts(100, 100)
    assert Wish(Objective.START).accepts(100, 200)


def test_balance_leaves_an_image_alone_that_has_gaps_only(image):
    inventory = take_inventory(image)
    found = uncompiled(inventory)
    assert not Wish().considers(inventory, found)
    assert replace(Wish(), compile=True).considers(inventory, found)


def test_what_was_removed_still_comes_back(store):
    image = image_of(BELOW, [*SOURCES, file("usr/share/doc/waste", b"waste" * 900)])
    inventory = take_inventory(image)
    (row,) = rows_at(inventory, "usr/share/doc/waste")
    plan = make_plan(inventory, [finding([row])], Options(keep_removed=True))
    slimmed = carry_out(inventory, plan, store)
    between = take_inventory(slimmed.image)
    files = files_of(between)
    found = with_added(slimmed, take_inventory(add_bytecode(between, files, store)), len(files), [])
    with store.open_blob(found.ledger) as stream:
        ledger = read_ledger(stream.read().splitlines(keepends=True))
    back = root_of(restore(found.image, ledger, found.removed, store, store, ()).image)
    assert back.keys() - root_of(image).keys() == {f"{SITE}/__pycache__", *(one.module.target for one in files)}
    assert back["usr/share/doc/waste"] == root_of(image)["usr/share/doc/waste"]
