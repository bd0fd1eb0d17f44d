"""The efficiency score is dive's, on the cases that its definition tells apart."""

from slimml.bloat.efficiency import efficiency_of
from slimml.report.analysis import Efficiency


def test_an_image_of_distinct_paths_is_efficient(inventory, row):
    assert efficiency_of(inventory([row("a", 5)], [row("b", 7)])) == Efficiency(1.0, 0)


def test_an_empty_image_is_efficient(inventory):
    assert efficiency_of(inventory([])) == Efficiency(1.0, 0)


def test_an_overwritten_path_is_wasted_with_its_needed_copy(inventory, row):
    assert efficiency_of(inventory([row("a", 60), row("b", 40)], [row("a", 80)])) == Efficiency(100 / 180, 140)


def test_a_deleted_file_is_wasted(inventory, row, whiteout):
    assert efficiency_of(inventory([row("a", 60), row("b", 40)], [whiteout("a")])) == Efficiency(40 / 100, 60)


def test_a_deleted_directory_counts_what_it_held(inventory, row, whiteout):
    found = efficiency_of(inventory([row("d/a", 30), row("d/e/b", 10), row("c", 60)], [whiteout("d")]))
    # The directory itself occurs once, as its whiteout: dive takes it for a path of 40 bytes that is not wasted.
    assert found == Efficiency(140 / 140, 0)


def test_of_one_path_twice_in_a_layer_the_last_counts(inventory, row):
    assert efficiency_of(inventory([row("a", 60), row("a", 40)])) == Efficiency(1.0, 0)
