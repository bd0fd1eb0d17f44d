"""An engine is chosen by its name, or the first that works; what was tried is told when none does."""

import socket

import pytest

from slimml.engine import choose
from slimml.engine.choose import find_engine
from slimml.errors import Unavailable, UsageError
from slimml.oci.places.daemon.api import address
from slimml.oci.transfer import Access


@pytest.fixture
def nothing_runs(monkeypatch):
    """A machine without engines and runtimes."""
    for name in ("DOCKER_HOST", "CONTAINER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(address, "usual_sockets", lambda: ["/no/docker.sock"])
    monkeypatch.setenv("PATH", "/nowhere")


def test_an_unknown_name_is_a_usage_error():
    with pytest.raises(UsageError, match="'lxc' is no engine; use auto, docker, podman, runc or crun"):
        find_engine("lxc", Access())


def test_all_that_was_tried_is_told(nothing_runs):
    with pytest.raises(Unavailable, match=r"no Docker or Podman is running \(looked at .*runc.*crun"):
        find_engine("auto", Access())


@pytest.mark.parametrize("name", choose.DAEMONS)
def test_an_engine_that_was_asked_for_has_to_be_there(nothing_runs, name):
    with pytest.raises(Unavailable, match=f"^no {name.capitalize()} is running"):
        find_engine(name, Access())


def test_an_address_that_nobody_answers_is_told(tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
    with pytest.raises(Unavailable, match=r"no engine answers at unix://\S+left.sock"):
        find_engine("docker", Access(engine=f"unix://{tmp_path}/left.sock"))
