#!/usr/bin/env python3
"""Run images and ask them what their probes.toml says: probe.py RECIPE IMAGE [IMAGE_B].

Prints the answers as JSON. With two images it compares them and ends with 1 when anything differs, or when the second
one's package databases complain about something that the first one's do not. Standard library only; needs docker.
"""

import argparse
import base64
import http.client
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    """A container of the image: its ID and the address, on this machine, of its port."""
    container = docker("run", "--detach", "--publish", f"127.0.0.1::{port}", image).stdout.decode().strip()
    try:
        found = docker("port", container, f"{port}/tcp", check=False).stdout.decode().split()
        yield container, found[0] if found else ""
    finally:
        docker("rm", "--force", "--volumes", container)


def wait_until_ready(container: str, address: str, service: dict[str, Any]) -> float:
    """Seconds until the service answered; ends the program when it dies or its time is up."""
    begun = time.monotonic()
    while time.monotonic() - begun < service["timeout_seconds"]:
        try:
            if address and send(address, {"path": service["ready"]}, HERE)["status"] == 200:
                return time.monotonic() - begun
        except (OSError, http.client.HTTPException):
            pass
        state = docker("inspect", "--format", "{{.State.Running}}", container).stdout.strip()
        if state != b"true":
            break
        time.sleep(_POLL_SECONDS)
    log = docker("logs", "--tail", "20", container)
    raise SystemExit(f"probe.py: the service did not become ready:\n{shown(log.stdout + log.stderr)}")


def send(address: str, probe: dict[str, Any], recipe: Path) -> dict[str, Any]:
    """The answer to one request: status, type and body."""
    body, headers = None, {}
    if "json" in probe:
        body, headers = json.dumps(probe["json"]).encode(), {"Content-Type": "application/json"}
    elif "body" in probe:
        body, headers = (recipe / probe["body"]).read_bytes(), {"Content-Type": "application/octet-stream"}
    connection = http.client.HTTPConnection(address, timeout=120)
    try:
        connection.request(probe.get("method", "GET"), probe["path"], body, headers)
        response = connection.getresponse()
        kind = response.headers.get("Content-Type", "")
        return {"status": response.status, "type": kind, "body": shown(response.read())}
    finally:
        connection.close()


def answers_of(image: str, probes: dict[str, Any], recipe: Path) -> dict[str, Any]:
    """The answers of an image by the probe's name, each with whether its status was the expected one."""
    answers: dict[str, Any] = {}
    if "service" in probes:
        with running(image, probes["service"]["port"]) as (container, address):
            wait_until_ready(container, address, probes["service"])
            for probe in probes.get("request", ()):
                found = send(address, probe, recipe)
                answers[probe["name"]] = found | {"expected": found["status"] == probe.get("status", 200)}
    for probe in probes.get("command", ()):
        ended = docker("run", "--rm", image, *probe.get("argv", ()), check=False)
        found = {"status": ended.returncode, "output": shown(ended.stdout)}
        answers[probe["name"]] = found | {"expected": ended.returncode == probe.get("status", 0)}
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
    recipe = HERE / chosen.recipe
    probes = tomllib.loads((recipe / "probes.toml").read_text("utf-8"))
    report: dict[str, Any] = {
        image: {"answers": answers_of(image, probes, recipe), "complaints": complaints_of(image)}
        for image in chosen.images
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
