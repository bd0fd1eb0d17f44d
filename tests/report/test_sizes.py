"""Numbers are shown as docker shows them."""

import pytest

from slimml.report.sizes import counted, share, size


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (776_000_000, "776.0 MB"),
        (999_960_000, "1.0 GB"),
        (1_688_000_000, "1.69 GB"),
    ],
)
def test_size_is_decimal(count, shown):
    assert size(count) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 10, "0.0 %"),
        (1, 3, "33.3 %"),
        (1, 100_000, "<0.1 %"),
        (99_999, 100_000, "99.9 %"),
        (5, 5, "100.0 %"),
        (0, 0, "–"),
    ],
)
def test_share_never_rounds_to_nothing_or_all(part, whole, shown):
    assert share(part, whole) == shown


def test_one_is_singular():
    assert (counted(1, "layer"), counted(1200, "entry", "entries")) == ("1 layer", "1,200 entries")
