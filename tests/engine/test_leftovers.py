"""Owners of what is left: living runs are told from dead ones, and what cannot be known counts as living."""

import os
import subprocess
import sys

import pytest

from slimml.engine.leftovers import abandoned, alive, own_name, owner_in, this_run

OTHER = [sys.executable, "-c", "from slimml.engine.leftovers import this_run; print(this_run(), flush=True); input()"]


@pytest.fixture
def other():
    """Another run that goes on, and its owner."""
    process = subprocess.Popen(OTHER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def test_this_run_is_alive():
    assert alive(this_run())


def test_another_run_is_alive_as_long_as_it_goes_on(other):
    assert alive(other[1])


def test_a_killed_run_is_dead(other):
    process, owner = other
    process.kill()
    process.wait()
    assert not alive(owner)


def test_a_killed_run_that_nobody_waited_for_is_dead(other):
    process, owner = other
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(owner)


def test_a_later_process_of_the_same_number_is_another_run():
    host, boot, space, pid, start = this_run().split("-")
    assert not alive(f"{host}-{boot}-{space}-{pid}-{int(start) - 1}")


def test_a_run_before_the_last_boot_is_dead():
    host, _, space, pid, start = this_run().split("-")
    assert not alive(f"{host}-00000000-{space}-{pid}-{start}")


@pytest.mark.parametrize("part", [0, 2])
def test_a_run_elsewhere_may_be_alive(part):
    parts = this_run().split("-")
    parts[part] = "0" * len(parts[part])
    parts[4] = "1"
    assert alive("-".join(parts))


def test_what_is_no_owner_is_left_alone():
    assert alive("somebody")


def test_names_are_never_the_same_twice():
    assert own_name() != own_name()


def test_a_name_tells_its_owner():
    assert owner_in(f"docker.io/slimml-verify/{own_name()}:1") == this_run()


def test_other_names_tell_none():
    assert owner_in("slimml-bench/onnx-api:latest") is None


def test_only_what_dead_runs_made_is_abandoned(other):
    process, owner = other
    process.kill()
    process.wait()
    assert abandoned([f"slimml-{owner}-1", own_name(), "mine"]) == [f"slimml-{owner}-1"]
