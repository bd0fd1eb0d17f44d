"""Nothing of a container stays: not after its end, not after Ctrl-C, not after kill -9 of slimml or of all of it."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from busybox_image import busybox_image
from engines import need
from left_behind import WAIT, children_of, groups_of, processes_of, wait_for_the_end

from slimml.engine.bare.engine import BareEngine
from slimml.engine.container import Resources, RunSpec
from slimml.errors import SlimmlError

SUPPORT = str(Path(__file__).parents[2] / "support")
RUN = """
import sys, time
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from busybox_image import busybox_image
from slimml.engine.bare.engine import BareEngine
from slimml.engine.container import RunSpec
engine = BareEngine(sys.argv[1], place=Path(sys.argv[2]))
with engine.prepare(busybox_image()) as prepared, engine.create(prepared, RunSpec(argv=("sleep", "1000"))) as container:
    container.start()
    print(container.pid(), flush=True)
    while True:
        time.sleep(1000)
"""


@pytest.fixture(params=["runc", "crun"])
def runtime(request):
    need(request.param)
    return request.param


@pytest.fixture
def place(tmp_path):
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@contextmanager
def running(runtime, place):
    """A process with a container; itself, and descriptors of its keeper and of the container's main process."""
    command = [sys.executable, "-c", RUN, runtime, str(place), SUPPORT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            container = os.pidfd_open(int(process.stdout.readline()))
            (keeper,) = children_of(process.pid)
            keeper_descriptor = os.pidfd_open(keeper)
            yield process, keeper_descriptor, container
            os.close(container)
            os.close(keeper_descriptor)
        finally:
            process.kill()


def traces(place, names):
    return os.listdir(place), processes_of(place), groups_of(names)


def test_nothing_stays_after_the_end(runtime, place):
    engine = BareEngine(runtime, place=place)
    spec = RunSpec(argv=("sleep", "1000"), resources=Resources(memory=64 << 20))
    with engine.prepare(busybox_image()) as prepared, engine.create(prepared, spec) as container:
        container.start()
        container.execute(("sh", "-c", "sleep 1000 > /dev/null 2>&1 &"))
        names = os.listdir(place)
        assert groups_of(names)
    assert traces(place, names) == ([], [], [])


def test_nothing_is_mounted_for_anybody_else(runtime, place):
    engine = BareEngine(runtime, place=place)
    with engine.prepare(busybox_image()) as prepared, engine.create(prepared, RunSpec()) as container:
        container.start()
        assert str(place) not in Path("/proc/self/mountinfo").read_text()


def test_nothing_stays_of_a_container_that_could_not_start(runtime, place):
    engine = BareEngine(runtime, place=place)
    with engine.prepare(busybox_image()) as prepared:
        names = os.listdir(place)
        error = pytest.raises(SlimmlError, match="could not start")
        with error, engine.create(prepared, RunSpec(argv=("/nothing",))) as container:
            container.start()
    assert traces(place, names) == ([], [], [])


def test_removing_twice_is_no_error(runtime, place):
    engine = BareEngine(runtime, place=place)
    with engine.prepare(busybox_image()) as prepared, engine.create(prepared, RunSpec()) as container:
        container.start()
        container.remove()
        container.remove()


def test_ctrl_c_leaves_nothing(runtime, place):
    with running(runtime, place) as (process, _, container):
        names = os.listdir(place)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(WAIT)
        wait_for_the_end(container)
    assert traces(place, names) == ([], [], [])


def test_kill_9_leaves_nothing(runtime, place):
    with running(runtime, place) as (process, keeper, container):
        names = os.listdir(place)
        process.kill()
        wait_for_the_end(keeper)
        wait_for_the_end(container)
    assert traces(place, names) == ([], [], [])


def test_what_kill_9_of_all_leaves_is_swept(runtime, place):
    with running(runtime, place) as (process, keeper, container):
        names = os.listdir(place)
        signal.pidfd_send_signal(keeper, signal.SIGSTOP)
        process.kill()
        process.wait()
        signal.pidfd_send_signal(keeper, signal.SIGKILL)
        wait_for_the_end(keeper)
        assert processes_of(place)
        assert BareEngine(runtime, place=place).sweep() == tuple(names)
        wait_for_the_end(container)
    assert traces(place, names) == ([], [], [])


def test_sweeping_spares_the_living(runtime, place):
    with running(runtime, place):
        assert BareEngine(runtime, place=place).sweep() == ()
        assert processes_of(place)
