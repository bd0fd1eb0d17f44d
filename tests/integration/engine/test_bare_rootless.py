"""The bare engine as a user without rights (user_namespaces(7)): the same containers, one user inside."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from busybox_image import busybox_image
from engines import missing, need
from left_behind import processes_of
from tiny_image import put_layout

ROOT = Path(__file__).parents[3]
USER = 65534
RUN = """
import json, os, sys
from pathlib import Path
from slimml.engine.bare.engine import BareEngine
from slimml.engine.container import Resources, RunSpec
from slimml.errors import SlimmlError
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image
runtime, place, image, words = sys.argv[1:]
try:
    engine = BareEngine(runtime, place=Path(place))
    told = {"rootless": engine.facts().rootless}
    with engine.prepare(open_image(parse_reference(image))) as prepared:
        with engine.create(prepared, RunSpec(**json.loads(words))) as container:
            container.start()
            while container.wait(0.01) is None:
                try:
                    with container.connect(8000, 30) as connection:
                        connection.sendall(b"GET /index.html HTTP/1.0\\r\\n\\r\\n")
                        told["answer"] = connection.makefile("rb").read().decode().splitlines()[-1]
                    said = container.execute(("sh", "-c", "id -u; touch /made; ls /made"), user="ann")
                    told["user"] = said.stdout.decode()
                    break
                except ConnectionRefusedError:
                    continue
            container.stop(0)
            told["code"] = container.wait(30).code
            told["files"] = sorted(container.files("/srv"))
            told["made"] = os.path.exists(f"{prepared.handle}/made")
            told["said"] = container.logs().stderr.decode()
    told["left"] = os.listdir(place)
except SlimmlError as error:
    told = {"error": str(error)}
print(json.dumps(told))
"""


def home_of_ann():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("home/ann")
        member.type, member.mode, member.uid, member.gid = tarfile.DIRTYPE, 0o750, 1000, 1001
        archive.addfile(member)
    return out.getvalue()


@pytest.fixture(scope="module")
def python():
    """A Python that others may run, with where it finds slimml and what that needs."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    environment = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.environ["PATH"],
    }
    for program in filter(None, (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin"))):
        try:
            ended = as_user([program, "-c", "import slimml.oci.transfer, isal, xxhash"], environment)
        except PermissionError:
            continue
        if ended.returncode == 0:
            return program, environment
    return missing("no Python here can be run by another user")


def as_user(command, environment, granted=None):
    """Run a command as the user, to whom the file `granted` grants IDs if there is one (subuid(5))."""
    who = {"user": USER, "group": USER, "extra_groups": []}
    if granted is not None:
        become = f'exec setpriv --reuid={USER} --regid={USER} --clear-groups "$@"'
        grant = f"mount --bind {granted} /etc/subuid && mount --bind {granted} /etc/subgid && {become}"
        command, who = ["unshare", "--mount", "sh", "-c", grant, "sh", *command], {}
    return subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=200, **who
    )


@pytest.fixture
def place():
    """A directory of the user's."""
    found = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    os.chown(found, USER, USER)
    put_layout(found / "image", busybox_image({"User": "ann"}, [home_of_ann()]))
    (found / "work").mkdir()
    os.chown(found / "work", USER, USER)
    yield found
    shutil.rmtree(found)


@pytest.fixture(params=["runc", "crun"])
def rootless(request, python, place):
    """Run a container as the user; what it told."""
    need(request.param)
    program, environment = python

    def run(granted=None, **spec):
        words = [request.param, str(place / "work"), f"oci:{place}/image:latest", json.dumps(spec)]
        ended = as_user([program, "-c", RUN, *words], environment, granted)
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout)
        if "user namespaces" in told.get("error", ""):
            missing(told["error"])
        return told

    return run


def test_a_container_runs_without_rights(rootless):
    told = rootless()
    assert (told["rootless"], told["answer"], told["files"]) == (True, "hello from inside", ["/srv/index.html"]), told


def test_everybody_inside_is_one_user(rootless):
    assert rootless()["user"] == "0\n/made\n"


def test_the_unpacked_root_stays_as_it_was(rootless):
    assert rootless()["made"] is False


def test_nothing_stays(rootless, place):
    assert rootless()["left"] == []
    assert processes_of(place / "work") == []


def test_with_ids_granted_there_are_more_users_inside(rootless, place):
    need("newuidmap", "newgidmap", "unshare", "setpriv")
    granted = place / "granted"
    granted.write_text(f"{USER}:300000:65536\n")
    granted.chmod(0o644)
    told = rootless(granted, argv=("sh", "-c", "id -u >&2; ls -ln /srv >&2; exec httpd -f -p 8000 -h /srv"))
    assert (told["said"].split()[0], told["user"], told["left"]) == ("1000", "1000\n", []), told


def test_with_ids_granted_files_have_their_owners(rootless, place):
    need("newuidmap", "newgidmap", "unshare", "setpriv")
    granted = place / "granted"
    granted.write_text(f"{USER}:300000:65536\n")
    granted.chmod(0o644)
    told = rootless(granted, argv=("sh", "-c", "ls -ln /home >&2; echo > /home/ann/x || ls -ln / >&2"))
    assert (told["said"].splitlines()[-1].split()[2:4], told["left"]) == (["1000", "1001"], []), told
