"""Only complete recordings of the same layers may drive a removal."""

import pytest
from used_image import recording_of

from slimml.errors import Refused, UsageError
from slimml.slim.recorded import usable_recording
from slimml.usage.recording import RUNNING


def test_recordings_of_several_workloads_become_one(inventory):
    recordings = [recording_of(inventory, "srv/app.py"), recording_of(inventory, "lib/libc.so")]
    merged, remarks = usable_recording(inventory, recordings)
    assert [use.path for use in merged.uses] == ["srv/app.py", "lib/libc.so"]
    assert remarks == ()


def test_the_same_layers_under_another_configuration_are_remarked_on(inventory):
    other = recording_of(inventory, "srv/app.py", image="sha256:" + 64 * "0")
    _, (remark,) = usable_recording(inventory, [recording_of(inventory, "srv/app.py"), other])
    assert "another configuration" in remark


def test_a_recording_that_missed_the_start_is_completed_by_one_that_did_not(inventory):
    late = recording_of(inventory, "srv/notes.txt", lost=(RUNNING,))
    merged, _ = usable_recording(inventory, [recording_of(inventory, "srv/app.py"), late])
    assert len(merged.uses) == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"diff_ids": ("sha256:" + 64 * "0",)}, "of another image.*slimml record"),
        ({"lost": ("the queue ran over",)}, "incomplete.*the queue ran over; record again"),
        ({"uses": ()}, "saw nothing used"),
    ],
)
def test_others_are_refused_with_the_way_out(inventory, more, said):
    with pytest.raises(Refused, match=said):
        usable_recording(inventory, [recording_of(inventory, "srv", **more)])


def test_no_recording_at_all_is_an_error(inventory):
    with pytest.raises(UsageError, match="slimml record"):
        usable_recording(inventory, [])
