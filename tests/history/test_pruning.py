"""Old months go to another store, whole, or stay."""

import pytest
from made_up import make_result

from slimml.errors import AccessDenied, Refused, UsageError
from slimml.history.pruning import forget_months, move_months, old_months
from slimml.history.store import append, load, read


@pytest.fixture
def two_months(store):
    """November with three results, December with one."""
    append(store, make_result(30))
    return store


def test_months_before_a_month_are_old(two_months):
    assert [(one.path.name, one.lines) for one in old_months(two_months, "2026-12")] == [("2026-11.jsonl", 3)]


def test_of_one_host_class_if_wanted(two_months):
    assert old_months(two_months, "2027-01", host="other") == []


def test_a_month_that_is_none_is_refused(two_months):
    with pytest.raises(UsageError, match="written as 2026-11"):
        old_months(two_months, "2026")


def test_what_was_moved_is_in_the_other_store(two_months, tmp_path):
    everything = load(two_months)
    move_months(old_months(two_months, "2026-12"), tmp_path / "archive")
    assert (load(tmp_path / "archive"), load(two_months)) == (everything[:3], everything[3:])


def test_damaged_lines_are_moved_as_well(store, only_file, tmp_path):
    with only_file.open("ab") as file:
        file.write(b'{"half')
    move_months(old_months(store, "2026-12"), tmp_path / "archive")
    kept = read(tmp_path / "archive")
    assert (len(kept.results), len(kept.damaged)) == (3, 1)


def test_an_archive_is_added_to(store, tmp_path):
    move_months(old_months(store, "2026-12"), tmp_path / "archive")
    append(store, make_result(4))
    move_months(old_months(store, "2026-12"), tmp_path / "archive")
    assert len(load(tmp_path / "archive")) == 4


def test_a_store_is_not_moved_onto_itself(store):
    with pytest.raises(Refused, match="the store itself"):
        move_months(old_months(store, "2026-12"), store)
    assert len(load(store)) == 3


def test_where_the_archive_cannot_be_written_nothing_goes(store, tmp_path):
    (tmp_path / "archive").write_text("a file")
    with pytest.raises(AccessDenied, match="cannot be moved"):
        move_months(old_months(store, "2026-12"), tmp_path / "archive")
    assert len(load(store)) == 3


def test_what_is_forgotten_is_gone(two_months):
    forget_months(old_months(two_months, "2026-12"))
    assert [one.month for one in load(two_months)] == ["2026-12"]


def test_after_a_month_was_moved_it_can_be_added_to_again(store, tmp_path):
    move_months(old_months(store, "2026-12"), tmp_path / "archive")
    append(store, make_result(9))
    assert [one.id for one in load(store)] == [make_result(9).id]
