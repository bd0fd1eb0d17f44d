"""A real registry for tests: `docker-registry serve` on a free port of this machine."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

StartRegistry = Callable[..., str]


@contextmanager
def _serving(directory: Path, sections: dict[str, Any]) -> Iterator[str]:
    """A registry that keeps its blobs below `directory`; its address as `127.0.0.1:PORT`."""
    http = {"addr": "127.0.0.1:0", "secret": "test", **sections.pop("http", {})}
    config = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "blobs")}, "delete": {"enabled": True}},
        "http": http,
        **sections,
    }
    path = directory / "registry.yml"
    path.write_text(_yaml(config))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
    )
    assert process.stderr
    told: list[str] = []
    address = ""
    for line in process.stderr:
        told.append(line)
        if "listening on" in line:
            address = line.split("listening on ")[1].split('"')[0].split(",")[0].strip()
            break
    try:
        assert address, "".join(told)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _yaml(value: object, indent: str = "") -> str:
    assert isinstance(value, dict)
    lines = ""
    for key, item in value.items():
        nested = isinstance(item, dict)
        shown = f'"{item}"' if isinstance(item, str) else str(item).lower()
        lines += f"{indent}{key}:" + ("\n" + _yaml(item, indent + "  ") if nested else f" {shown}\n")
    return lines


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[StartRegistry]:
    """Starts registries: `start_registry(auth={...}, http={...})` gives the address of one with these sections.

    Without docker-registry the test is skipped; in CI it fails.
    """
    if shutil.which("docker-registry") is None:
        reason = "docker-registry is not installed (Debian package docker-registry)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with ExitStack() as running:

        def start(**sections: Any) -> str:
            directory = tmp_path / f"registry-{len(list(tmp_path.glob('registry-*')))}"
            directory.mkdir()
            return running.enter_context(_serving(directory, sections))

        yield start


@pytest.fixture
def registry(start_registry: StartRegistry) -> str:
    """An empty registry of plain HTTP without logins, for this test alone: its address, `127.0.0.1:PORT`."""
    return start_registry()
