"""Sums, signs and lines of a tree, held against a slow one that is made of objects."""

import numpy as np
import pytest
from explored import inventory_of
from hypothesis import given, settings
from hypothesis import strategies as st
from layered_image import file, folder, whiteout

from slimml.explore.places import places_of
from slimml.explore.scope import Sign, of_layers
from slimml.explore.tree import Order, tree_of

NAMES = st.sampled_from(["a", "b", "c.so", "d d", "é"])
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=25, unique=True)


def made(*layers, top=None, base=None, hide=()):
    inventory = inventory_of(*layers)
    places = places_of(inventory)
    top = len(layers) - 1 if top is None else top
    scope = of_layers(inventory, places, top, top - 1 if base is None else base, "")
    shown = scope.rows.copy()
    for sign in hide:
        shown &= scope.sign != sign
    return inventory, tree_of(places, scope, shown, inventory.column("size"))


def opened(tree, *paths):
    mask = np.zeros(len(tree.places.directories), dtype=bool)
    mask[[tree.places.directories.index(path) for path in paths]] = True
    return mask


def told(tree, mask, order=Order.SIZE):
    """The lines as text: two spaces a level, a slash after directories, the bytes."""
    lines = tree.lines(mask, order)
    places = tree.places
    found = []
    for node, depth in zip(lines.node.tolist(), lines.depth.tolist(), strict=True):
        name = places.name_of_row(node) if node >= 0 else places.name_of_directory(~node) + "/"
        found.append(f"{'  ' * depth}{name} {tree.weight[node] if node >= 0 else tree.total[~node]}")
    return found


def test_entries_stand_by_size_beneath_their_directory():
    _, tree = made([file("x/small", b"1"), file("x/large", b"22222"), file("y/z/deep", b"333")])
    assert told(tree, opened(tree, "x", "y", "y/z")) == [
        "x/ 6", "  large 5", "  small 1", "y/ 3", "  z/ 3", "    deep 3",
    ]  # fmt: skip


def test_entries_stand_by_name_if_wanted():
    _, tree = made([file("b", b"1"), file("c/d", b"22222"), file("a", b"1")])
    assert told(tree, opened(tree, "c"), Order.NAME) == ["a 1", "b 1", "c/ 5", "  d 5"]


def test_a_closed_directory_hides_open_ones_beneath_it():
    _, tree = made([file("x/y/z", b"1")])
    assert told(tree, opened(tree, "x/y")) == ["x/ 1"]


def test_an_empty_directory_is_a_line_of_its_own():
    _, tree = made([folder("empty"), file("a", b"1")])
    assert told(tree, opened(tree)) == ["a 1", "empty 0"]


def test_removed_bytes_are_not_counted_in_a_directory_that_still_holds_something():
    _, tree = made([file("d/gone", b"22222"), file("d/left", b"1")], [whiteout("d/gone")])
    assert told(tree, opened(tree, "d")) == ["d/ 1", "  gone 5", "  left 1"]


def test_a_directory_of_which_all_is_removed_shows_its_bytes():
    _, tree = made([file("d/gone", b"22222")], [whiteout("d/gone")])
    assert told(tree, opened(tree)) == ["d/ 5"]


def test_what_is_hidden_by_its_sign_leaves_no_directory_behind():
    _, tree = made([folder("same"), file("same/a", b"1")], [file("new/b", b"22")], hide=[Sign.SAME])
    assert told(tree, opened(tree, "new")) == ["new/ 2", "  b 2"]


@pytest.mark.parametrize(
    ("path", "sign"),
    [("added", Sign.ADDED), ("gone", Sign.REMOVED), ("touched", Sign.MODIFIED), ("same", Sign.SAME)],
)
def test_a_directory_has_the_sign_of_what_lies_beneath(path, sign):
    below = [file("gone/a"), file("touched/a"), file("same/a")]
    _, tree = made(below, [file("added/a"), whiteout("gone/a"), file("touched/b")])
    assert tree.sign[tree.places.directories.index(path)] == sign


@settings(max_examples=40)
@given(PATHS, st.randoms(use_true_random=False), st.sampled_from(Order))
def test_lines_are_those_of_a_slow_tree(paths, chance, order):
    files = [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]
    sizes = {path: chance.randrange(9) for path in files}
    _, tree = made([file(path, b"x" * sizes[path]) for path in files])
    open_ones = [path for path in tree.places.directories if path and chance.random() < 0.6]

    def slow(directory, depth):
        inside = {}
        for path in files:
            if path.startswith(directory):
                name, slash, _ = path[len(directory) :].partition("/")
                inside[name + slash] = inside.get(name + slash, 0) + sizes[path]
        by_name = sorted(inside, key=lambda name: name.rstrip("/"))
        for name in by_name if order is Order.NAME else sorted(by_name, key=lambda name: -inside[name]):
            yield f"{'  ' * depth}{name} {inside[name]}"
            if name.endswith("/") and directory + name.rstrip("/") in open_ones:
                yield from slow(directory + name, depth + 1)

    assert told(tree, opened(tree, *open_ones), order) == list(slow("", 0))


def test_the_largest_files_come_first():
    inventory, tree = made([file("a/b", b"333"), file("c", b"22"), file("d", b"55555")])
    assert [inventory.paths[row] for row in tree.largest(2)] == ["d", "a/b"]


def test_the_root_counts_every_byte_of_what_is_seen(inventory):
    places = places_of(inventory)
    scope = of_layers(inventory, places, 2, 0, "")
    tree = tree_of(places, scope, scope.rows, inventory.column("size"))
    assert tree.total[0] == inventory.column("size")[inventory.state == 0].sum()
