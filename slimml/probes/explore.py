"""Running an image to learn what can be asked of it: its ports, the path that says ready, the API it describes."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from slimml.engine.container import Container, Engine, Prepared, RunSpec
from slimml.errors import SlimmlError
from slimml.probes.answer import Answer
from slimml.probes.ask import ENGINE_TROUBLE, ask_http, service_spec
from slimml.probes.ending import told_end
from slimml.probes.guess import FRONT, Guess
from slimml.probes.openapi import PATHS, described_requests, is_description
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe, Ready
from slimml.probes.ready import wait_until_ready
from slimml.progress import SILENT, Progress

_HEALTH = (
    "/health",
    "/healthz",
    "/health/ready",
    "/readyz",
    "/ready",
    "/livez",
    "/ping",
    "/v2/health/ready",
    "/status",
)
_REQUEST_SECONDS = 30.0
_POLL_SECONDS = 0.25
_LISTENING = re.compile(r"^\s*\d+: (?:[0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ 0A ", re.MULTILINE)
"""a line of /proc/net/tcp, state 0A is LISTEN (proc(5))"""


def explore(
    engine: Engine, prepared: Prepared, found: Guess, *, patience: float = 600, progress: Progress = SILENT
) -> Guess:
    """A better guess, from running the image. `patience` bounds in seconds how long it may take to serve or to end.

    Raises Unavailable, AccessDenied, Unsupported when the engine itself cannot do it.
    """
    with progress.task(f"running {prepared.image.reference}"):
        try:
            if found.suite.ready is not None:
                return _explore_service(engine, prepared, found, found.suite.ready)
            ports, better = _explore_program(engine, prepared, found, patience)
            if not ports:
                return better
            ready = Ready(tcp=ports[0], timeout=patience)
            commands = (probe for probe in better.suite.probes if isinstance(probe, CommandProbe))
            suite = replace(better.suite, probes=tuple(replace(one, alone=False) for one in commands), ready=ready)
            return _explore_service(engine, prepared, replace(better, suite=suite), ready)
        except ENGINE_TROUBLE:
            raise
        except SlimmlError as error:
            return replace(found, remarks=(*found.remarks, f"the image could not be run: {error}"))


def _explore_service(engine: Engine, prepared: Prepared, found: Guess, ready: Ready) -> Guess:
    port = ready.port or ready.tcp
    assert port is not None
    if ready.http != "/":
        # Asked for want of better; it comes back where nothing better is found.
        kept = tuple(probe for probe in found.suite.probes if probe.name != FRONT)
        notes = {name: note for name, note in found.notes.items() if name != FRONT}
        found = replace(found, suite=replace(found.suite, probes=kept), notes=notes)
    with engine.create(prepared, service_spec(found.suite)) as container:
        container.start()
        # A HEALTHCHECK may ask for more than is there at first; that something listens is enough to look around.
        failure = wait_until_ready(container, Ready(tcp=port, timeout=ready.timeout))
        if failure is not None:
            exited = container.wait(0)
            if exited is not None and exited.code == 0:
                return _ended(found, container)
            return replace(found, remarks=(*found.remarks, failure))
        ready = _readiness(container, port, ready)
        found = replace(found, suite=replace(found.suite, ready=ready))
        if ready.http is not None:
            found = found.with_probes(HttpProbe(f"GET {ready.http}", ready.http, port))
        return _described(container, port, found)


def _readiness(container: Container, port: int, ready: Ready) -> Ready:
    """The path that says ready: the known one if it answers, else the first usual one that does, else the port."""
    if ready.http is not None and wait_until_ready(container, replace(ready, timeout=_REQUEST_SECONDS)) is None:
        return ready
    for path in _HEALTH:
        answer = _get(container, port, path)
        if answer.code is not None and answer.code < 300:
            return Ready(http=path, port=port, timeout=ready.timeout)
    return Ready(tcp=port, timeout=ready.timeout)


def _described(container: Container, port: int, found: Guess) -> Guess:
    for path in PATHS:
        answer = _get(container, port, path)
        document = is_description(answer.body) if answer.code == 200 else None
        if document is None:
            continue
        remarks = list(found.remarks)
        for request in described_requests(document, port):
            if request.probe is None:
                remarks.append(f"{request.method} {request.path}: {request.note}")
            else:
                notes = {request.probe.name: request.note} if request.note else {}
                found = found.with_probes(request.probe, notes=notes)
        found = found.with_probes(HttpProbe(f"GET {path}", path, port))
        return replace(found, remarks=tuple(remarks))
    if not any(isinstance(probe, HttpProbe) and probe.path != "/health" for probe in found.suite.probes):
        answer = _get(container, port, "/")
        if answer.code is not None:
            status = answer.code if answer.code >= 400 else None
            found = found.with_probes(HttpProbe(FRONT, "/", port, status=status))
        remark = "the service describes no API: add requests as its users send them"
        found = replace(found, remarks=(*found.remarks, remark))
    return found


def _get(container: Container, port: int, path: str) -> Answer:
    return ask_http(container, HttpProbe(path, path, port, timeout=_REQUEST_SECONDS))


def _explore_program(
    engine: Engine, prepared: Prepared, found: Guess, patience: float
) -> tuple[tuple[int, ...], Guess]:
    """Run a program of which nothing is known until it ends or listens: the ports, and the guess where it ended."""
    begun = time.monotonic()
    with engine.create(prepared, RunSpec()) as container:
        container.start()
        while time.monotonic() - begun < patience:
            if (exited := container.wait(_POLL_SECONDS)) is not None:
                if exited.code == 0:
                    return (), _ended(found, container)
                remark = f"the image's command {told_end(exited, container.logs())}"
                return (), replace(found, remarks=(*found.remarks, remark))
            if ports := _listening(container):
                return ports, found
    remark = f"the image's command neither ended nor listened within {patience:g} s"
    return (), replace(found, remarks=(*found.remarks, remark))


def _ended(found: Guess, container: Container) -> Guess:
    """A batch: the program ended by itself. The files that its command names and that are there now are its outputs."""
    outputs = tuple(path for path in found.written if container.status(path) is not None)
    batch = BatchProbe("the image's command", outputs=outputs)
    others = tuple(replace(probe, alone=True) for probe in found.suite.probes if isinstance(probe, CommandProbe))
    note = "check that the outputs are all that matter" if outputs else "name the files that it writes as outputs"
    suite = replace(found.suite, probes=(batch, *others), ready=None)
    return replace(found, suite=suite, notes={**found.notes, batch.name: note})


def _listening(container: Container) -> tuple[int, ...]:
    """The TCP ports that something in the container listens on, ascending; none where its network is this machine's."""
    text, pid = "", container.pid()
    if pid is not None:
        with suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net"):
                return ()
        for name in ("tcp", "tcp6"):
            with suppress(OSError):
                text += Path(f"/proc/{pid}/net/{name}").read_text("ascii", "replace")
    if not text:
        with suppress(SlimmlError, TimeoutError):
            said = container.execute(("cat", "/proc/net/tcp", "/proc/net/tcp6"), timeout=10)
            text = said.stdout.decode("ascii", "replace")
    return tuple(sorted({int(port, 16) for port in _LISTENING.findall(text)}))
