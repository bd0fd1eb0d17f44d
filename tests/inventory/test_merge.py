"""Laying layers over each other: whiteouts, opaque directories, replaced kinds, and a model that really does it."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slimml.inventory.merge import merge
from slimml.inventory.table import LayerInventory, State
from slimml.oci.tar.events import Kind

F, D, L, W, O = Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.WHITEOUT, Kind.OPAQUE  # noqa: E741
LIVE, OVER, GONE, MARK = State.LIVE, State.OVERWRITTEN, State.DELETED, State.MARKER
Build = Callable[..., LayerInventory]


def said(*layers: LayerInventory) -> list[tuple[State, int]]:
    merged = merge(layers)
    return [(State(state), by) for state, by in zip(merged.state.tolist(), merged.by.tolist(), strict=True)]


def test_no_layers_make_an_empty_root() -> None:
    assert said() == []


def test_a_layer_without_entries_hides_nothing(layer: Build) -> None:
    assert said(layer(("a", F)), layer()) == [(LIVE, -1)]


def test_a_later_file_overwrites(layer: Build) -> None:
    assert said(layer(("a", F)), layer(("b", F)), layer(("a", F))) == [(OVER, 2), (LIVE, -1), (LIVE, -1)]


def test_the_layer_that_hid_a_row_is_the_first_that_did(layer: Build) -> None:
    assert said(layer(("a", F)), layer(("a", W)), layer(("a", F))) == [(GONE, 1), (MARK, -1), (LIVE, -1)]


def test_a_directory_over_a_directory_merges(layer: Build) -> None:
    assert said(layer(("d", D), ("d/x", F)), layer(("d", D))) == [(OVER, 1), (LIVE, -1), (LIVE, -1)]


def test_a_whiteout_hides_a_subtree(layer: Build) -> None:
    below = layer(("d", D), ("d/x", D), ("d/x/y", F), ("dx", F))
    assert said(below, layer(("d", W))) == [(GONE, 1), (GONE, 1), (GONE, 1), (LIVE, -1), (MARK, -1)]


@pytest.mark.parametrize("first", [True, False])
def test_a_whiteout_spares_its_own_layer_wherever_it_stands(layer: Build, first: bool) -> None:
    nodes = [("d", W), ("d", D), ("d/new", F)]
    over = layer(*(nodes if first else reversed(nodes)))
    spared = [(MARK, -1), (LIVE, -1), (LIVE, -1)]
    assert said(layer(("d", D), ("d/old", F)), over) == [(OVER, 1), (GONE, 1), *(spared if first else reversed(spared))]


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_directory_hides_lower_content_only(layer: Build, first: bool) -> None:
    nodes = [("d", O), ("d/new", F)]
    over = layer(*(nodes if first else reversed(nodes)))
    spared = [(MARK, -1), (LIVE, -1)]
    hidden = [(LIVE, -1), (GONE, 1)]
    assert said(layer(("d", D), ("d/old", F)), over) == hidden + (spared if first else spared[::-1])


def test_an_opaque_root_hides_everything_but_the_root(layer: Build) -> None:
    assert said(layer(("", D), ("a", F)), layer(("", O))) == [(LIVE, -1), (GONE, 1), (MARK, -1)]


def test_an_opaque_root_stays_one_when_a_lower_root_is_no_directory(layer: Build) -> None:
    assert said(layer(("a", F)), layer(("", L)), layer(("", O)))[0] == (GONE, 2)


def test_nothing_but_a_directory_replaces_the_root(layer: Build) -> None:
    assert said(layer(("a", F)), layer(("", L))) == [(LIVE, -1), (LIVE, -1)]


def test_a_whiteout_of_the_root_hides_nothing(layer: Build) -> None:
    assert said(layer(("", D), ("a", F)), layer(("", W))) == [(LIVE, -1), (LIVE, -1), (MARK, -1)]


@pytest.mark.parametrize("kind", [F, L, Kind.HARDLINK, Kind.FIFO, Kind.CHARACTER])
def test_what_is_no_directory_hides_the_subtree(layer: Build, kind: Kind) -> None:
    assert said(layer(("d", D), ("d/x", F)), layer(("d", kind))) == [(OVER, 1), (GONE, 1), (LIVE, -1)]


def test_a_directory_over_a_file_replaces_it(layer: Build) -> None:
    assert said(layer(("d", F)), layer(("d", D), ("d/x", F))) == [(OVER, 1), (LIVE, -1), (LIVE, -1)]


def test_the_last_entry_of_a_path_in_a_tar_wins(layer: Build) -> None:
    assert said(layer(("a", F), ("b", F), ("a", F))) == [(OVER, 0), (LIVE, -1), (LIVE, -1)]


def test_in_one_tar_a_later_file_hides_what_lay_beneath_its_path(layer: Build) -> None:
    assert said(layer(("d", D), ("d/x", F), ("d", F))) == [(OVER, 0), (GONE, 0), (LIVE, -1)]


def test_in_one_tar_a_file_does_not_hide_what_comes_later(layer: Build) -> None:
    assert said(layer(("d", F), ("d/x", F))) == [(LIVE, -1), (LIVE, -1)]


def test_a_tars_last_word_about_a_path_decides_for_lower_layers(layer: Build) -> None:
    assert said(layer(("d", D), ("d/x", F)), layer(("d", F), ("d", D))) == [
        (OVER, 1),
        (LIVE, -1),
        (OVER, 1),
        (LIVE, -1),
    ]


def test_a_whiteout_beneath_a_symlink_is_not_carried_over_to_its_target(layer: Build) -> None:
    below = layer(("usr", D), ("usr/lib", D), ("usr/lib/x", F), ("lib", L, "usr/lib"))
    assert said(below, layer(("lib/x", W)))[:4] == [(LIVE, -1)] * 4


def test_an_entry_beneath_a_lower_symlink_leaves_the_symlink_live(layer: Build) -> None:
    assert said(layer(("lib", L, "usr/lib")), layer(("lib/x", F))) == [(LIVE, -1), (LIVE, -1)]


def test_a_whiteout_of_what_is_not_there_hides_nothing(layer: Build) -> None:
    assert said(layer(("a", F)), layer(("b", W))) == [(LIVE, -1), (MARK, -1)]


def test_names_that_are_not_utf8_are_compared_as_bytes(layer: Build) -> None:
    assert said(layer(("\udcff", F)), layer(("\udcff", W))) == [(GONE, 1), (MARK, -1)]


def by_model(layers: Sequence[Sequence[tuple[str, Kind]]]) -> list[tuple[State, int]]:
    """What happens when each layer is unpacked into a directory of its own, which is then laid over the root."""
    fate: list[tuple[State, int]] = []
    root: dict[str, int] = {}
    for layer, nodes in enumerate(layers):
        own: dict[str, int] = {}
        for path, kind in nodes:
            row = len(fate)
            fate.append((State.MARKER, -1) if kind in (W, O) else (State.LIVE, -1))
            if kind in (W, O):
                continue
            if path in own:
                fate[own[path]] = (State.OVERWRITTEN, layer)
            for beneath in [name for name in own if name.startswith(path + "/") and kind is not D]:
                fate[own.pop(beneath)] = (State.DELETED, layer)
            own[path] = row
        start = len(fate) - len(nodes)
        later: set[str] = set()
        for row, (path, kind) in reversed(list(enumerate(nodes, start))):
            if fate[row][0] is State.DELETED and path in later:
                fate[row] = (State.OVERWRITTEN, layer)
            later |= {path} - ({path} if kind in (W, O) else set())
        solid = {path for path, row in own.items() if nodes[row - start][1] is not D}
        whiteouts = {path for path, kind in nodes if kind is W}
        emptied = {path for path, kind in nodes if kind is O} | solid | whiteouts
        for path, row in list(root.items()):
            if path in own:
                fate[row] = (State.OVERWRITTEN, layer)
            elif path in whiteouts or any(path.startswith(name + "/") for name in emptied):
                fate[row] = (State.DELETED, layer)
                del root[path]
        root |= own
    return fate


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)
NODES = st.tuples(NAMES, st.sampled_from([F, D, D, L, W, O]))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layers=st.lists(st.lists(NODES, max_size=8), max_size=4))
def test_merging_agrees_with_applying_the_layers_one_by_one(layer: Build, layers: list[list[tuple[str, Kind]]]) -> None:
    assert said(*(layer(*nodes) for nodes in layers)) == by_model(layers)
