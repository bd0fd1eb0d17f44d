"""What a layer did to each path, held against layers that were applied one after the other."""

import pytest
from explored import explored_image, inventory_of
from layered_image import apply, file, folder, opaque, symlink, whiteout
from tiny_image import read_layers

from slimml.explore.places import places_of
from slimml.explore.scope import Sign, of_finding, of_layers, of_owner, visible_at
from slimml.slim.marked import rows_at

SIGNS = {"+": Sign.ADDED, "~": Sign.MODIFIED, "-": Sign.REMOVED, " ": Sign.SAME}


def signs(inventory, top, base):
    """The signs of a scope by path."""
    scope = of_layers(inventory, places_of(inventory), top, base, "")
    letters = {value: letter for letter, value in SIGNS.items()}
    return {
        inventory.paths[row]: letters[Sign(int(scope.sign[row]))] for row in range(len(scope.rows)) if scope.rows[row]
    }


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_layer_shows_what_an_engine_shows_after_it(inventory, layer):
    root = {}
    for data in read_layers(explored_image())[: layer + 1]:
        apply(root, data)
    seen = {inventory.paths[row] for row in visible_at(inventory, layer).nonzero()[0].tolist()}
    told = {path for path in root if path in set(inventory.paths)}
    assert seen == told


def test_a_layer_says_what_it_did_to_each_path(inventory):
    found = signs(inventory, 2, 1)
    assert {path: found[path] for path in ("srv/model.bin", "srv/app.py", "tmp/installer", "srv", "usr/bin/git")} == {
        "srv/model.bin": "~",
        "srv/app.py": "+",
        "tmp/installer": "-",
        "srv": " ",
        "usr/bin/git": " ",
    }


def test_the_lowest_layer_adds_all_that_it_has(inventory):
    assert set(signs(inventory, 0, -1).values()) == {"+"}


def test_what_came_above_the_base_and_went_again_is_removed():
    found = signs(inventory_of([file("a")], [file("b")], [whiteout("b")]), 2, 0)
    assert found == {"a": " ", "b": "-"}


def test_a_path_that_is_gone_is_told_once():
    found = of_layers(
        tree := inventory_of([file("a", b"1")], [file("a", b"22")], [whiteout("a")]), places_of(tree), 2, 0, ""
    )
    assert [int(tree.column("size")[row]) for row in found.rows.nonzero()[0]] == [2]


def test_a_path_that_is_removed_and_written_again_is_modified():
    assert signs(inventory_of([file("d/a")], [opaque("d"), file("d/a", b"new")]), 1, 0) == {"d/a": "~"}


def test_a_directory_with_another_mode_is_modified():
    assert signs(inventory_of([folder("d")], [folder("d", mode=0o700)]), 1, 0) == {"d": "~"}


def test_a_link_in_the_place_of_a_directory_removes_what_was_beneath():
    found = signs(inventory_of([folder("d"), file("d/a")], [symlink("d", "e")]), 1, 0)
    assert found == {"d": "~", "d/a": "-"}


def test_an_owner_has_its_files_in_all_layers(inventory):
    owner = next(position for position, one in enumerate(inventory.owners) if one.name == "git")
    scope = of_owner(inventory, owner, "git")
    assert "usr/bin/git" in {inventory.paths[row] for row in scope.rows.nonzero()[0]}


def test_hidden_files_of_a_finding_are_removed_ones_and_count(inventory):
    class Overwritten:
        rows = rows_at(inventory, ["srv/model.bin"]).nonzero()[0]

    scope = of_finding(inventory, Overwritten, "")
    assert [int(scope.sign[row]) for row in Overwritten.rows] == [Sign.REMOVED, Sign.SAME]
    assert scope.counted.sum() == 2
