"""Without rights, containers of a bare runtime are recorded all the same: by seccomp notification."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from busybox_image import busybox_image
from engines import missing, need
from layered_image import file, tar_of
from tiny_image import put_layout

ROOT = Path(__file__).parents[3]
USER = 65534
RUN = """
import json, sys
from pathlib import Path
from slimml.engine.bare.engine import BareEngine
from slimml.errors import Unavailable
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image
from slimml.probes.probe import BatchProbe, Suite
from slimml.usage.find_recorder import find_recorder
from slimml.usage.record import record
runtime, place, image = sys.argv[1:]
try:
    engine = BareEngine(runtime, place=Path(place))
    found = record(engine, open_image(parse_reference(image)), Suite((BatchProbe("b"),), "test"), find_recorder(engine))
    told = {use.path: int(use.operations) for use in found.uses}
    print(json.dumps({"by": found.seen[0].recorder, "uses": told, "lost": found.lost, "users": found.users}))
except Unavailable as error:
    print(json.dumps({"error": str(error)}))
"""


@pytest.fixture(params=["runc", "crun"])
def recorded(request):
    """What the user recorded."""
    need(request.param)
    made = subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True)
    place = Path(made.stdout.strip())
    try:
        os.chown(place, USER, USER)
        script = "cat /data/one; test -e /data/two; cat /data/none; true"
        image = busybox_image({"Cmd": ["sh", "-c", script]}, [tar_of([file("data/one"), file("data/two")])])
        put_layout(place / "image", image)
        (place / "work").mkdir()
        os.chown(place / "work", USER, USER)
        return as_user([request.param, str(place / "work"), f"oci:{place}/image:latest"])
    finally:
        shutil.rmtree(place)


def as_user(words):
    packages = [path for path in sys.path if path.endswith("site-packages")]
    environment = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.environ["PATH"],
    }
    for program in filter(None, (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin"))):
        who = {"user": USER, "group": USER, "extra_groups": []}
        command = [program, "-c", RUN, *words]
        try:
            ended = subprocess.run(
                command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=100, **who
            )
        except PermissionError:
            continue
        if "ModuleNotFoundError" in ended.stderr:
            continue
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout)
        if "user namespaces" in told.get("error", ""):
            missing(told["error"])
        return told
    return missing("no Python here can be run by another user")


def test_all_that_is_named_is_told(recorded):
    uses = recorded["uses"]
    assert (recorded["by"], recorded["lost"]) == ("notify", [])
    assert (uses["data/one"] & 1, uses["data/two"], uses["data/none"]) == (1, 8, 64)


def test_users_are_not_known_where_the_namespace_has_but_one(recorded):
    assert recorded["users"] == []
