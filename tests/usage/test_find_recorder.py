"""The recorder that was asked for, or the first that works; the command line offers the same."""

import pytest

from slimml.cli.record import RecorderName
from slimml.engine.container import EngineFacts
from slimml.errors import Unavailable, UsageError
from slimml.usage.find_recorder import AUTO, NAMES, find_recorder


class Elsewhere:
    """An engine that keeps containers' files as no overlay."""

    name = "docker"

    def facts(self):
        return EngineFacts("docker", "20", "btrfs", False, "runc")


def test_the_command_line_offers_every_recorder():
    assert [name.value for name in RecorderName] == [AUTO, *NAMES]


def test_each_says_what_it_cannot_see():
    assert all(find_blind(name) for name in NAMES)


def find_blind(name):
    from slimml.usage import find_recorder as module

    return module._RECORDERS[name]().seen.blind


def test_a_name_that_is_none_is_refused():
    with pytest.raises(UsageError, match="ebpf"):
        find_recorder(Elsewhere(), "ebpf")


def test_why_the_one_that_was_asked_for_does_not_work_is_said():
    with pytest.raises(Unavailable, match="btrfs"):
        find_recorder(Elsewhere(), "fanotify")


def test_auto_takes_the_next_that_works():
    assert find_recorder(Elsewhere()).seen.recorder == "audit"
