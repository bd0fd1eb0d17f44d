"""Fixtures of Docker and Podman, each with an empty directory of its own, for as long as the tests of a session run."""

from collections.abc import Iterator

import pytest
from engines import EngineApi, engine_directory, running_dockerd, running_podman

__all__ = ["daemon", "docker", "podman"]


@pytest.fixture(scope="session")
def docker() -> Iterator[EngineApi]:
    """Docker on overlays."""
    with engine_directory() as directory, running_dockerd(directory) as socket_path:
        yield EngineApi(socket_path)


@pytest.fixture(scope="session")
def podman() -> Iterator[EngineApi]:
    """Podman as root."""
    with engine_directory() as directory, running_podman(directory) as socket_path:
        yield EngineApi(socket_path)


@pytest.fixture(params=["docker", "podman"])
def daemon(request: pytest.FixtureRequest) -> EngineApi:
    """Each of the engines in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, EngineApi)
    return found
