"""What was removed comes back: all of it, or some paths."""

import pytest
from layered_image import file, finding, folder, hardlink, image_of, root_of

from slimml.errors import InvalidImage, NotFound
from slimml.inventory.take import take_inventory
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.slim.ledger import read_ledger
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.restore import restore

BIG = bytes(range(256)) * 40


@pytest.fixture
def slimmed(slim):
    def act(image, *paths):
        return slim(image, *paths, keep_removed=True)

    return act


def ledger_of(slimmed):
    with slimmed.store.open_blob(slimmed.ledger) as stream:
        return read_ledger(stream.read().splitlines(keepends=True))


def back(slimmed, *paths):
    ledger = ledger_of(slimmed)
    return restore(slimmed.image, ledger, slimmed.removed, slimmed.store, slimmed.store, paths)


def test_everything_back_is_the_root_of_before(slimmed):
    image = image_of([folder("d"), file("d/x", BIG), hardlink("d/y", "d/x")], [file("z", BIG), file("keep")])
    assert root_of(back(slimmed(image, "d", "d/x", "d/y", "z")).image) == root_of(image)


def test_a_path_comes_back_with_the_directories_above_it(slimmed):
    image = image_of([folder("d", mode=0o700), file("d/x", BIG), file("d/y", BIG), file("keep")])
    restored = back(slimmed(image, "d", "d/x", "d/y"), "/d/x")
    assert set(root_of(restored.image)) == {"keep", "d", "d/x"}
    assert root_of(restored.image)["d"][2] == 0o700
    assert restored.paths == ("/d", "/d/x")


def test_a_hard_link_comes_back_without_the_file_that_it_named(slimmed):
    image = image_of([file("a", BIG), hardlink("b", "a"), file("keep")])
    assert root_of(back(slimmed(image, "a", "b"), "/b").image)["b"] == root_of(image)["b"]


@pytest.mark.parametrize("wanted", ["/b", "/c"])
def test_a_hard_link_comes_back_where_the_file_stayed(slimmed, wanted):
    image = image_of([file("a", BIG), hardlink("b", "a"), hardlink("c", "b"), file("z", BIG * 2)])
    assert root_of(back(slimmed(image, "b", "c", "z"), wanted).image)[wanted[1:]] == root_of(image)[wanted[1:]]


def test_a_hard_link_comes_back_whose_target_stays_as_the_heir_of_another(slimmed):
    image = image_of([file("a", BIG), hardlink("b", "a"), hardlink("c", "b"), file("z", BIG * 2)])
    assert root_of(back(slimmed(image, "a", "c", "z")).image) == root_of(image)


def test_globs_name_paths(slimmed):
    image = image_of([folder("d"), file("d/x.pyc", BIG), file("d/y.txt", BIG), file("keep")])
    assert set(root_of(back(slimmed(image, "d/x.pyc", "d/y.txt"), "/**/*.pyc").image)) == {"keep", "d", "d/x.pyc"}


def test_a_path_that_never_went_is_not_found(slimmed):
    with pytest.raises(NotFound, match="/keep"):
        back(slimmed(image_of([file("x", BIG), file("keep")]), "x"), "/keep")


def test_content_that_was_not_kept_is_not_found(slim):
    without = slim(image_of([file("x", BIG), file("keep")]), "x")
    with pytest.raises(NotFound, match="keep-removed"):
        restore(without.image, ledger_of(without), without.ledger, without.store, without.store)


def test_the_ledger_of_another_image_is_refused(slimmed):
    one, other = (slimmed(image_of([file("x", BIG), file(keep)]), "x") for keep in ("this", "that"))
    with pytest.raises(InvalidImage, match="another image"):
        restore(one.image, ledger_of(other), one.removed, one.store, one.store)


def test_other_content_than_the_ledgers_is_refused(slimmed):
    found = slimmed(image_of([file("x", BIG), file("keep")]), "x")
    other = Descriptor(found.removed.media_type, sha256(b"other"), 5)
    with pytest.raises(InvalidImage, match="not the ledger's"):
        restore(found.image, ledger_of(found), other, found.store, found.store)


def test_removed_content_is_kept_once_for_the_same_plan(store):
    inventory = take_inventory(image_of([file("x", BIG), file("keep")]))
    plan = make_plan(inventory, [finding([0])], Options(keep_removed=True))
    assert carry_out(inventory, plan, store).removed == carry_out(inventory, plan, store).removed


def test_directories_that_stayed_are_written_as_they_are(slimmed):
    image = image_of([folder("d", mode=0o700, mtime=1), folder("d/e", mode=0o1777), file("d/e/x", BIG), file("keep")])
    slim = slimmed(image, "d/e/x")
    told = take_inventory(slim.image)
    back = restore(slim.image, ledger_of(slim), slim.removed, slim.store, slim.store, inventory=told)
    written = take_inventory(back.image).layers[-1].table.select(["path", "mode", "mtime"]).to_pylist()
    assert [(it["path"], it["mode"]) for it in written[:2]] == [(b"d", 0o700), (b"d/e", 0o1777)]
    assert written[0]["mtime"] == 1
