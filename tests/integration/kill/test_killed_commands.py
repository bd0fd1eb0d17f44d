"""Commands killed (SIGKILL) at fifty moments of their run: an image is whole or not there, and a second run mends all.

Moments are spread over the time that a whole run takes here. The process that is killed is a fork, so that its run is
the command's work and not the import of modules.
"""

import os
import random
import shutil
import subprocess
import time

import pytest
from lazy_layers import with_directories
from tiny_image import put_layout, tiny
from warm import Warm

from slimml.errors import NotFound
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.oci.validate import validate

KILLS = 50
CHANCE = random.Random(50)
SOURCE = tiny(
    {f"usr/lib/pkg{number % 40}/file{number}.py": CHANCE.randbytes(400) for number in range(2500)},
    {f"var/cache/apt/archives/some{number}.deb": CHANCE.randbytes(90_000) for number in range(10)},
    {f"app/data/{number}": CHANCE.randbytes(100_000) for number in range(10)},
)
OLD = tiny({"old": b"image"})


@pytest.fixture(scope="module")
def slimml():
    with Warm() as program:
        yield program


@pytest.fixture
def place(tmp_path):
    """A directory with the source image in `in`; a run's temporary files go to `temporary`."""
    put_layout(tmp_path / "in", SOURCE)
    (tmp_path / "temporary").mkdir()
    return tmp_path


class Killing:
    """Kills one kind of command in `place`; `seconds` is what a whole run takes."""

    def __init__(self, slimml, place):
        self._slimml, self._place = slimml, place
        self.killed = 0
        self.seconds = 0.0

    def run(self, *words):
        """A whole run."""
        began = time.monotonic()
        self._start(*words)
        end = self._slimml.wait()
        assert end.code == 0, end.err
        self.seconds = time.monotonic() - began

    def die(self, step, *words):
        """A run killed somewhere in the `step`th of KILLS parts of its time; every other one has no cache to read."""
        if step % 2:
            shutil.rmtree(self._place / "cache", ignore_errors=True)
        self._start(*words)
        time.sleep(self.seconds * (step + CHANCE.random()) / KILLS)
        self._slimml.kill()
        code = self._slimml.wait().code
        assert code in (0, -9)
        self.killed += code == -9

    def _start(self, *words):
        cache, temporary = str(self._place / "cache"), str(self._place / "temporary")
        self._slimml.start(*words, cwd=self._place, XDG_CACHE_HOME=cache, TMPDIR=temporary)


@pytest.fixture
def killing(slimml, place):
    return Killing(slimml, place)


def seen(reference):
    """The digest of the image that others see there, None when there is none. A half image fails here."""
    try:
        image = open_image(parse_reference(reference))
    except NotFound:
        return None
    assert not validate(image).problems
    return image.manifest.digest


def inspected(reference):
    """skopeo can read the image as well."""
    subprocess.run(["skopeo", "inspect", "--tls-verify=false", reference], check=True, capture_output=True)


def leftovers(place, step):
    """What is in the making and nobody will finish: beside results, in the one of `step`, where optimize works."""
    workshop = place / "temporary" / f"slimml-{os.getuid()}"
    found = [*place.glob(".slimml*"), *(place / str(step)).glob(".slimml*"), *workshop.glob("*")]
    return [str(path) for path in found]


def kill_all_along(killing, place, command, destination):
    """Kill `command` all along its way to `destination.format(step)`, where two of three times an image is."""
    killing.run(*command, destination.format("whole"))
    new = seen(destination.format("whole"))
    for step in range(KILLS):
        result = destination.format(step)
        if step % 3:
            write_image(OLD, parse_reference(result))
        before = seen(result)
        killing.die(step, *command, result)
        found = seen(result)
        assert found in (before, new)
        if found:
            inspected(result)
        killing.run(*command, result)
        assert seen(result) == new
        assert leftovers(place, step) == []
    assert killing.killed > KILLS / 2


@pytest.mark.parametrize("destination", ["oci:{place}/{{}}:tag", "oci-archive:{place}/{{}}:tag"])
def test_a_killed_optimize_leaves_the_old_image_or_the_new_one(killing, place, destination):
    command = ["optimize", "oci:in", "--yes", "--keep-removed", "-o"]
    kill_all_along(killing, place, command, destination.format(place=place))


def test_a_killed_push_leaves_the_old_image_or_the_new_one(killing, place, registry):
    kill_all_along(killing, place, ["copy", "oci:in"], f"docker://{registry}/app{{}}:tag")


@pytest.mark.parametrize("lazy", ["estargz", "zstd-chunked"])
def test_a_killed_lazy_copy_leaves_the_old_image_or_the_new_one(killing, place, lazy):
    put_layout(place / "told", with_directories(SOURCE))
    kill_all_along(killing, place, ["copy", "oci:told:latest", "--lazy", lazy], f"oci:{place}/{{}}:tag")
