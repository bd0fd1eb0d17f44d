"""Images made ready and containers are gone afterwards: after errors and Ctrl-C at once, after kill -9 by sweep."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest
from busybox_image import busybox_image
from tiny_image import put_layout

from slimml.engine.choose import find_engine
from slimml.engine.container import RunSpec
from slimml.oci.places.daemon import write_image
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image

WAIT = 60
OTHER = {"Env": ["ONE=1"], "Cmd": ["httpd", "-f", "-p", "8000", "-h", "/srv"]}

# A run that has an image of its own and a running container of it, and then waits.
RUN = """
import sys
from slimml.engine.choose import find_engine
from slimml.engine.container import RunSpec
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image

engine = find_engine("auto", Access(engine=sys.argv[1]))
image = open_image(parse_reference(f"oci:{sys.argv[2]}:latest"))
with engine.prepare(image) as prepared, engine.create(prepared, RunSpec(ports=(8000,))) as container:
    container.start()
    print(container.id, container.pid(), flush=True)
    container.wait(600)
"""


@pytest.fixture
def other_image():
    """An image that no engine here holds."""
    return busybox_image(OTHER)


@pytest.fixture
def other_run(daemon, other_image, tmp_path):
    """Another run in the middle of its work: the process, its container's ID and main process."""
    layout = put_layout(tmp_path / "image", other_image)
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(RUN))
    command = [sys.executable, str(script), daemon.api.url, str(layout)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    container, pid = process.stdout.readline().split()
    yield process, container, int(pid)
    process.kill()
    process.communicate()
    daemon.engine.sweep()


def temporary(daemon):
    return [name for name in daemon.names() if "slimml-verify/" in name]


def test_an_image_that_the_engine_holds_is_used_as_it_is(daemon):
    image = open_image(parse_reference("docker-daemon:box:1"), daemon.access)
    with daemon.engine.prepare(image) as prepared:
        assert prepared.handle.endswith(daemon.api.image_id("box:1").removeprefix("sha256:"))
        assert temporary(daemon) == []
    assert daemon.api.has("box:1")


def test_the_same_image_from_elsewhere_is_not_loaded_again(daemon):
    with daemon.engine.prepare(busybox_image()) as prepared:
        assert prepared.handle.endswith(daemon.api.image_id("box:1").removeprefix("sha256:"))
        assert temporary(daemon) == []


def test_another_image_is_there_as_long_as_it_is_needed(daemon, other_image):
    with daemon.engine.prepare(other_image) as prepared:
        assert len(temporary(daemon)) == 1
        with daemon.engine.create(prepared, RunSpec(argv=("sh", "-c", "echo $ONE"))) as container:
            container.start()
            assert container.wait(WAIT).code == 0
            assert container.logs().stdout == b"1\n"
    assert temporary(daemon) == []
    assert other_image.config.digest.removeprefix("sha256:") not in {
        item["Id"].removeprefix("sha256:") for item in daemon.list("/images/json?all=1")
    }


def test_an_image_that_got_another_name_meanwhile_stays_under_it(daemon, other_image):
    with daemon.engine.prepare(other_image):
        write_image(other_image, parse_reference("docker-daemon:kept:1"), daemon.access)
    try:
        assert temporary(daemon) == []
        assert daemon.api.has("kept:1")
    finally:
        daemon.api.remove("kept:1")


def test_an_image_is_made_ready_twice_at_once(daemon, other_image):
    with daemon.engine.prepare(other_image), daemon.engine.prepare(other_image) as second:
        assert second.handle.endswith(other_image.config.digest)
    assert temporary(daemon) == []


def test_nothing_is_left_after_an_error(daemon, other_image):
    def fail():
        with daemon.engine.prepare(other_image) as prepared, daemon.engine.create(prepared, RunSpec()) as container:
            container.start()
            raise ZeroDivisionError

    before = daemon.containers()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert daemon.containers() == before
    assert temporary(daemon) == []


def test_nothing_is_left_after_ctrl_c(daemon, other_run):
    process, container, _ = other_run
    process.send_signal(signal.SIGINT)
    process.wait(WAIT)
    assert container not in daemon.containers()
    assert temporary(daemon) == []


def test_a_living_run_is_left_alone(daemon, other_run):
    _, container, _ = other_run
    assert daemon.engine.sweep() == ()
    assert container in daemon.containers()
    assert len(temporary(daemon)) == 1


def test_what_a_killed_run_left_is_swept(daemon, other_run):
    process, container, pid = other_run
    process.kill()
    process.wait()
    assert container in daemon.containers()
    removed = daemon.engine.sweep()
    assert len(removed) == 2
    assert container not in daemon.containers()
    assert temporary(daemon) == []
    assert not Path(f"/proc/{pid}").exists()
    assert daemon.engine.sweep() == ()


def test_runs_killed_at_any_moment_are_swept(daemon, other_image, tmp_path):
    layout = put_layout(tmp_path / "image", other_image)
    before = daemon.containers()

    def begin():
        return subprocess.Popen([sys.executable, "-c", RUN, daemon.api.url, str(layout)], stdout=subprocess.PIPE)

    began = time.monotonic()
    process = begin()
    process.stdout.readline()
    whole = time.monotonic() - began
    process.kill()
    for moment in range(8):
        process.communicate()
        process = begin()
        with suppress(subprocess.TimeoutExpired):
            process.wait(whole * (moment + 4) / 11)
        process.kill()
    process.communicate()
    daemon.engine.sweep()
    # What an engine was asked for it makes, even when nobody waits for the answer any more.
    while daemon.engine.sweep():
        continue
    assert daemon.containers() == before
    assert temporary(daemon) == []


def test_containers_and_images_of_others_are_left_alone(daemon):
    made = daemon.engine.calls.create("somebodys", {"Image": "box:1", "Cmd": ["true"]})
    try:
        daemon.engine.sweep()
        assert made in daemon.containers()
        assert daemon.api.has("box:1")
    finally:
        daemon.api.call("DELETE", "/containers/somebodys")


def test_no_volume_is_left(docker):
    image = busybox_image({"Volumes": {"/data": {}}})
    with docker.engine.prepare(image) as prepared, docker.engine.create(prepared, RunSpec()) as container:
        container.start()
    assert b'"Volumes":[]' in docker.api.call("GET", "/volumes").replace(b"null", b"[]")


def test_a_container_that_could_not_start_is_gone(daemon):
    before = daemon.containers()
    with pytest.raises(Exception, match="does not start"), daemon.started("true", user="nobody-known"):
        pass
    assert daemon.containers() == before


def test_no_thread_and_no_descriptor_is_left(daemon):
    def counts():
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    with daemon.started("true") as container:
        container.wait(WAIT)
    before = counts()
    for _ in range(3):
        with daemon.started("echo 1; exec sleep 60", network=False) as container:
            container.execute(("cat",), stdin=b"x")
            with pytest.raises(ConnectionRefusedError):
                container.connect(8000, WAIT)
    assert counts() == before


def test_the_engine_is_found_by_its_name(daemon):
    assert find_engine(daemon.engine.name, daemon.access).facts() == daemon.engine.facts()
