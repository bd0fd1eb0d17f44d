#!/usr/bin/env python3
"""Run images and ask them what their probes.toml says: probe.py RECIPE IMAGE [IMAGE_B].

Prints the answers as JSON. With two images it compares them, byte by byte, and ends with 1 when anything differs, or
when the second one's package databases complain about something that the first one's do not. It takes the docker
program, not slimml's engines and comparisons, so that `slimml verify` has something to be held against; only its way
into a container's network is slimml's, where the engine has no bridge.
"""

import argparse
import base64
import http.client
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slimml.engine.enter import connect_inside
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe, Ready, Suite
from slimml.probes.read import read_suite

HERE = Path(__file__).resolve().parent
_POLL_SECONDS = 0.1


def docker(*words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run the docker program; what it printed is in the result."""
    ended = subprocess.run(["docker", *words], capture_output=True, check=False)
    if check and ended.returncode:
        raise SystemExit(f"probe.py: docker {words[0]}: {ended.stderr.decode(errors='replace').strip()}")
    return ended


def shown(content: bytes) -> str:
    """Bytes as text where they are text."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(content).decode()


@contextmanager
def running(image: str, port: int) -> Iterator[tuple[str, str]]:
    """A container of the image: its ID and the address of its port.

    That is one of this machine, or `pid:PORT` inside where the engine has no bridge to publish ports from.
    """
    bridged = _has_bridge()
    words = ("--publish", f"127.0.0.1::{port}") if bridged else ("--network", "none")
    container = docker("create", *words, image).stdout.decode().strip()
    try:
        docker("start", container)
        if bridged:
            found = docker("port", container, f"{port}/tcp", check=False).stdout.decode().split()
            yield container, found[0] if found else ""
        else:
            pid = docker("inspect", "--format", "{{.State.Pid}}", container).stdout.decode().strip()
            yield container, f"{pid}:{port}"
    finally:
        docker("rm", "--force", "--volumes", container)


def _has_bridge() -> bool:
    """Whether the bridge that Docker's default network stands on is still there."""
    name = docker("network", "inspect", "--format", '{{index .Options "com.docker.network.bridge.name"}}', "bridge")
    return Path("/sys/class/net", name.stdout.decode().strip() or "docker0").exists()


def connection_to(address: str, timeout: float) -> http.client.HTTPConnection:
    """A connection to HOST:PORT, or to `pid:PORT` inside a container of this machine."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    if host.isdigit():
        connection.sock = connect_inside(int(host), int(port), timeout)
    return connection


def wait_until_ready(container: str, address: str, ready: Ready) -> None:
    """Until the service answers; ends the program when it dies or its time is up."""
    begun = time.monotonic()
    while time.monotonic() - begun < ready.timeout:
        try:
            if address and send(address, HttpProbe("ready", ready.http or "/", ready.port or 0))["status"] == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        state = docker("inspect", "--format", "{{.State.Running}}", container).stdout.strip()
        if state != b"true":
            break
        time.sleep(_POLL_SECONDS)
    log = docker("logs", "--tail", "20", container)
    raise SystemExit(f"probe.py: the service did not become ready:\n{shown(log.stdout + log.stderr)}")


def send(address: str, probe: HttpProbe) -> dict[str, Any]:
    """The answer to one request: status, type and body."""
    connection = connection_to(address, probe.timeout)
    try:
        connection.request(probe.method, probe.path, probe.body, dict(probe.headers))
        response = connection.getresponse()
        kind = response.headers.get("Content-Type", "")
        return {"status": response.status, "type": kind, "body": shown(response.read())}
    finally:
        connection.close()


def run(image: str, probe: CommandProbe | BatchProbe) -> dict[str, Any]:
    """How a program ended in a container of its own, what it printed, and the files that it was to write."""
    if isinstance(probe, CommandProbe):
        words = ["--entrypoint", probe.argv[0], image, *probe.argv[1:]]
    else:
        words = [image, *(probe.argv or ())]
    container = docker("create", "--network", "none", *words).stdout.decode().strip()
    try:
        ended = docker("start", "--attach", container, check=False)
        found: dict[str, Any] = {"status": ended.returncode, "output": shown(ended.stdout)}
        for path in probe.outputs if isinstance(probe, BatchProbe) else ():
            with tarfile.open(fileobj=io.BytesIO(docker("cp", f"{container}:{path}", "-").stdout)) as archive:
                found[path] = [shown(archive.extractfile(file).read()) for file in archive if file.isfile()]
        return found
    finally:
        docker("rm", "--force", "--volumes", container)


def answers_of(image: str, suite: Suite) -> dict[str, Any]:
    """The answers of an image by the probe's name, each with whether its status was the expected one."""
    answers: dict[str, Any] = {}
    if suite.ready is not None and suite.ready.port is not None:
        with running(image, suite.ready.port) as (container, address):
            wait_until_ready(container, address, suite.ready)
            for probe in suite.probes:
                if isinstance(probe, HttpProbe):
                    found = send(address, probe)
                    answers[probe.name] = found | {"expected": found["status"] == (probe.status or 200)}
    for probe in suite.probes:
        if isinstance(probe, CommandProbe | BatchProbe):
            found = run(image, probe)
            answers[probe.name] = found | {"expected": found["status"] == probe.code}
    return answers


def complaints_of(image: str) -> dict[str, list[str]]:
    """What dpkg says of its files and pip of its requirements, inside the image.

    This machine's pip is lent to the image, which may have none or another: pip runs from wherever it lies.
    """
    as_root = ("run", "--rm", "--user", "0", "--workdir", "/", "--network", "none")
    dpkg = docker(*as_root, "--entrypoint", "dpkg", image, "--verify", check=False)
    found = {"dpkg --verify": shown(dpkg.stdout).splitlines() if dpkg.returncode in (0, 1) else ["dpkg does not run"]}
    import pip

    lent = f"{Path(pip.__file__).parent}:/lent/pip:ro"
    checked = docker(
        *as_root, "--volume", lent, "--env", "PYTHONPATH=/lent", "--entrypoint", "python3", image, "-m", "pip", "check",
        check=False,
    )  # fmt: skip
    said = shown(checked.stdout or checked.stderr).splitlines()
    found["pip check"] = [line for line in said if line != "No broken requirements found."]
    return found


def main() -> int:
    """Ask one image, or two and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", choices=sorted(path.parent.name for path in HERE.glob("*/probes.toml")))
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="an image of that recipe; two are compared")
    parser.add_argument("--engine-socket", help="the engine's address, unix:///…; DOCKER_HOST or the usual one")
    chosen = parser.parse_args()
    if len(chosen.images) > 2:
        parser.error("one image, or two to compare")
    if chosen.engine_socket:
        os.environ["DOCKER_HOST"] = chosen.engine_socket
    suite = read_suite(HERE / chosen.recipe / "probes.toml")
    report: dict[str, Any] = {
        image: {"answers": answers_of(image, suite), "complaints": complaints_of(image)} for image in chosen.images
    }
    wrong = [f"{image}: {name}" for image in report for name, found in report[image]["answers"].items()
             if not found["expected"]]  # fmt: skip
    if len(chosen.images) == 2:
        was, now = (report[image] for image in chosen.images)
        wrong += [f"differs: {name}" for name in was["answers"] if was["answers"][name] != now["answers"][name]]
        for tool, before in was["complaints"].items():
            wrong += [f"new: {tool}: {line}" for line in now["complaints"][tool] if line not in before]
    json.dump({"images": report, "wrong": wrong}, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
