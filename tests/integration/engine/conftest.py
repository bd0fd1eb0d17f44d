"""Docker and Podman with networks, as long as the tests of this directory live, and containers of busybox in a line."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from busybox_image import busybox_image
from engines import EngineApi, engine_directory, running_dockerd, running_podman

from slimml.engine.choose import find_engine
from slimml.engine.container import Container, Prepared, RunSpec
from slimml.engine.daemon import DaemonEngine
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, write_image


@dataclass(frozen=True)
class Daemon:
    """A running engine: its API without slimml, slimml's engine, and busybox ready in it. `tcp` leads there as well."""

    api: EngineApi
    engine: DaemonEngine
    prepared: Prepared
    tcp: str | None = None

    @property
    def access(self) -> Access:
        return Access(engine=self.api.url)

    @contextmanager
    def started(self, script: str | None = None, **spec) -> Iterator[Container]:
        """A started container that runs `script`, else the image's web server on port 8000."""
        if script is not None:
            spec["argv"] = ("sh", "-c", script)
        with self.engine.create(self.prepared, RunSpec(**spec)) as container:
            container.start()
            yield container

    def containers(self) -> list[str]:
        """The IDs of all containers there are."""
        return [item["Id"] for item in self.list("/containers/json?all=1")]

    def names(self) -> list[str]:
        """The names of all images there are."""
        return [name for item in self.list("/images/json") for name in item["RepoTags"] or ()]

    def list(self, path: str) -> list[dict]:
        return json.loads(self.api.call("GET", path))


def _daemon(socket_path: str, tcp: str | None = None) -> Daemon:
    api = EngineApi(socket_path)
    access = Access(engine=api.url)
    write_image(busybox_image(), parse_reference("docker-daemon:box:1"), access)
    engine = find_engine("auto", access)
    assert isinstance(engine, DaemonEngine)
    with engine.prepare(busybox_image()) as prepared:
        return Daemon(api, engine, prepared, tcp)


@pytest.fixture(scope="session")
def docker() -> Iterator[Daemon]:
    """Docker on a unix socket and on TCP."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        tcp = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with ExitStack() as stack:
        directory = stack.enter_context(engine_directory())
        yield _daemon(stack.enter_context(running_dockerd(directory, f"--host={tcp}", "--tls=false")), tcp)


@pytest.fixture(scope="session")
def podman() -> Iterator[Daemon]:
    """Podman as root."""
    with engine_directory() as directory, running_podman(directory) as socket_path:
        yield _daemon(socket_path)


@pytest.fixture(params=["docker", "podman"])
def daemon(request: pytest.FixtureRequest) -> Daemon:
    """Each of the engines in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Daemon)
    return found


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker-config"))
