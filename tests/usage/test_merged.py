"""Several recordings of one image are one; of different images they are refused."""

import pytest

from slimml.errors import UsageError
from slimml.usage.merged import merge
from slimml.usage.recording import PYTHON_ONLY, RUNNING, Operation, Workload


def test_all_that_any_used_is_used(recording):
    assert {use.path for use in merge([recording("a", "b"), recording("b", "c")]).uses} == {"a", "b", "c"}


def test_the_order_is_that_of_the_first_and_then_what_the_others_add(recording):
    whole = merge([recording("b", "a"), recording("c", "a", "d")])
    assert [(use.path, use.order) for use in whole.uses] == [("b", 0), ("a", 1), ("c", 2), ("d", 3)]


def test_times_never_go_back(recording):
    times = [use.first for use in merge([recording("a", "b"), recording("c", "d")]).uses]
    assert times == sorted(times)


def test_operations_add_up(recording):
    whole = merge([recording("a"), recording("a", operations=Operation.WRITE)])
    assert whole.uses[0].operations == Operation.OPEN | Operation.WRITE


def test_workloads_hosts_and_users_are_all_named_once(recording):
    other = recording("b", workloads=(Workload("by hand", ()),), hosts=("there", "here"), users=(0, 1000))
    whole = merge([recording("a"), other])
    assert ([one.origin for one in whole.workloads], whole.hosts, whole.users) == (
        ["probes.toml", "by hand"],
        ("here", "there"),
        (0, 1000),
    )


def test_what_one_lost_the_whole_lacks(recording):
    assert not merge([recording("a"), recording("b", lost=("the queue ran over",))]).complete


@pytest.mark.parametrize("loss", [RUNNING, PYTHON_ONLY])
def test_a_part_by_its_nature_is_made_up_for_by_a_complete_one(recording, loss):
    assert merge([recording("a", lost=(loss,)), recording("b")]).complete


def test_two_parts_do_not_make_a_whole(recording):
    assert not merge([recording("a", lost=(RUNNING,)), recording("b", lost=(PYTHON_ONLY,))]).complete


@pytest.mark.parametrize(
    "other",
    [
        {"image": "sha256:" + "c" * 64},
        {"diff_ids": ()},
        {"platform": "linux/arm64"},
    ],
)
def test_recordings_of_different_images_are_refused(recording, other):
    with pytest.raises(UsageError, match="different images"):
        merge([recording("a"), recording("b", **other)])
