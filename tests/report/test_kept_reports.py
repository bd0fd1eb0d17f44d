"""A report that is shown a second time is the same, and only ever that of the same image read in the same way."""

from dataclasses import replace

import pytest
from tiny_image import tiny

from slimml.bloat.detect import find_bloat
from slimml.inventory.kept_files import KeptFiles
from slimml.inventory.take import take_inventory
from slimml.oci.limits import DEFAULT_LIMITS
from slimml.report.build_analysis import analyse
from slimml.report.kept import keep_report, kept_report


@pytest.fixture
def kept(tmp_path):
    """An image, its report, and the cache that holds it."""
    image = tiny({"a": b"one", "usr/share/doc/x/README": b"words" * 100})
    inventory = take_inventory(image)
    report = analyse(inventory, find_bloat(inventory), 10)
    files = KeptFiles(tmp_path)
    keep_report(files, image, DEFAULT_LIMITS, 10, report)
    return image, report, files


def test_the_report_comes_back_as_it_was(kept):
    image, report, files = kept
    assert kept_report(files, image, DEFAULT_LIMITS, 10) == report


def test_another_image_has_none(kept):
    _, _, files = kept
    assert kept_report(files, tiny({"a": b"two"}), DEFAULT_LIMITS, 10) is None


def test_another_length_of_lists_is_another_report(kept):
    image, _, files = kept
    assert kept_report(files, image, DEFAULT_LIMITS, 20) is None


def test_lower_limits_are_held_again(kept):
    image, _, files = kept
    assert kept_report(files, image, replace(DEFAULT_LIMITS, members=1), 10) is None


def test_a_damaged_report_counts_as_absent(kept, tmp_path):
    image, _, files = kept
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert kept_report(files, image, DEFAULT_LIMITS, 10) is None


def test_names_that_are_no_text_are_not_kept(kept, tmp_path):
    image, report, files = kept
    files.clear()
    keep_report(files, image, DEFAULT_LIMITS, 10, replace(report, unknowns=("\udc80",)))
    assert files.entries() == []
