"""A writer killed at any system call leaves the old image or the new one, never a half, and nothing after a re-run."""

import os
import subprocess
import sys

import pytest
from tiny_image import read_layers, tiny

from slimml.errors import NotFound
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.oci.validate import validate

POINTS = 12
"""how many of its system calls a writer is killed at"""

CHILD = """
import os, signal, sys
from tiny_image import tiny
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image

kill_at, calls = int(sys.argv[2]), 0

def deadly(call):
    def counted(*arguments, **named):
        global calls
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)
    return counted

for name in ("write", "pwrite", "fsync", "rename", "mkdir", "link", "open", "unlink"):
    setattr(os, name, deadly(getattr(os, name)))
write_image(tiny({"a": b"new"}, {"b": b"2" * 3_000_000}), parse_reference(sys.argv[1]))
print(calls)
"""

OLD = tiny({"a": b"old"}, {"b": b"2" * 3_000_000})
NEW = tiny({"a": b"new"}, {"b": b"2" * 3_000_000})


def write_and_die(destination, kill_at):
    """The number of calls that the writer made, None when it was killed."""
    command = [sys.executable, "-c", CHILD, destination, str(kill_at)]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == -9:
        return None
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def seen(destination):
    """The layers of the image that others see there, None when there is no image."""
    try:
        image = open_image(parse_reference(destination))
    except NotFound:
        return None
    assert not validate(image).problems
    return read_layers(image)


def leftovers(path):
    return [name for _, dirs, files in os.walk(path) for name in (*dirs, *files) if name.startswith(".slimml")]


@pytest.mark.parametrize("transport", ["oci:{}/out:tag", "oci-archive:{}/out:tag", "docker-archive:{}/out:app:tag"])
@pytest.mark.parametrize("before", [None, OLD], ids=["new", "replacing"])
def test_a_killed_writer_leaves_no_half_image(tmp_path, transport, before):
    total = write_and_die(transport.format(tmp_path / "whole"), 0)
    allowed = [read_layers(NEW), read_layers(before) if before else None]
    for point in sorted({1 + total * step // POINTS for step in range(POINTS)}):
        place = tmp_path / str(point)
        destination = transport.format(place)
        if before:
            write_image(before, parse_reference(destination))
        write_and_die(destination, point)
        if place.exists():
            assert seen(destination) in allowed
        write_image(NEW, parse_reference(destination))
        assert seen(destination) == read_layers(NEW)
        assert leftovers(tmp_path) == []
