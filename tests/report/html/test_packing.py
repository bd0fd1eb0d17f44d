"""Columns come out of the page as they went in."""

import numpy as np
import pytest
from page_data import unpack

from slimml.report.html.packing import pack


@pytest.mark.parametrize(
    ("values", "width"),
    [
        ([0, 255], 1),
        ([256, 1], 2),
        ([65_535, 65_536, 3], 4),
        ([2**32, 2**53, 0], 8),
        ([], 1),
    ],
)
def test_numbers_take_the_narrowest_type_that_holds_them(values, width):
    found = unpack(pack({}, {"x": np.array(values, np.int64)}, {})).columns["x"]
    assert (found.tolist(), found.dtype.itemsize) == (values, width)


@pytest.mark.parametrize("words", [[], [""], ["", "a", "ä ✓", ""], ["one"]])
def test_words_stay_as_they_are(words):
    assert unpack(pack({}, {}, {"words": words})).columns["words"] == words


def test_columns_do_not_run_into_each_other():
    numbers = {"a": np.arange(300), "b": np.array([2**40]), "c": np.array([7, 8])}
    found = unpack(pack({"told": 1}, numbers, {"w": ["x", "y"]}))
    assert [found.columns[name].tolist() for name in "abc"] == [list(range(300)), [2**40], [7, 8]]
    assert (found.head, found.columns["w"]) == ({"told": 1}, ["x", "y"])


def test_the_same_values_make_the_same_bytes():
    made = [pack({"a": 1}, {"x": np.arange(1000)}, {"w": ["x"]}) for _ in range(2)]
    assert made[0] == made[1]
