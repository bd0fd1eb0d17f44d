"""Asking a suite of an image: one service for the probes that need it, containers of their own for the others."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slimml.engine.container import Container, Output, RunSpec
from slimml.errors import AccessDenied, SlimmlError, Unavailable, Unsupported
from slimml.probes import expect
from slimml.probes.answer import Answer, Asked
from slimml.probes.ending import told_end
from slimml.probes.files import Still
from slimml.probes.probe import BatchProbe, CommandProbe, ConfigProbe, FileProbe, HttpProbe, Probe, Ready, Suite
from slimml.probes.ready import wait_until_ready
from slimml.probes.request import NoAnswer, exchange
from slimml.probes.runs import run_alone, run_batch
from slimml.probes.variables import substituted
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.engine.container import Engine, Prepared

ENGINE_TROUBLE = (Unavailable, AccessDenied, Unsupported)
"""errors that are the engine's, not the image's: they leave `ask`"""
_ENDING_SECONDS = 0.2
"""a program that broke a connection gets this long to end, so that its end can be told"""


@dataclass(frozen=True)
class _Served:
    answers: dict[str, Answer]
    ready_seconds: float | None
    failure: str | None
    said: Output
    peak_memory: int | None


def ask(engine: Engine, prepared: Prepared, suite: Suite, progress: Progress = SILENT) -> Asked:
    """Ask all probes of `suite`, each once. What a container does wrong becomes an answer's failure.

    Raises Unavailable, AccessDenied, Unsupported when the engine itself cannot do it.
    """
    suite = substituted(suite, prepared.image)
    with progress.task(f"asking {prepared.image.reference}"):
        served = _Served({}, None, None, Output(0, b"", b""), None)
        if suite.ready is not None:
            served = _ask_service(engine, prepared, suite, suite.ready)
        answers = dict(served.answers)
        with Still(engine, prepared, suite) as still:
            for probe in suite.probes:
                if probe.name not in answers:
                    answers[probe.name] = _ask_apart(engine, prepared, suite, probe, still)
    return Asked(
        answers=tuple(answers[probe.name] for probe in suite.probes),
        ready_seconds=served.ready_seconds,
        failure=served.failure,
        stdout=served.said.stdout,
        stderr=served.said.stderr,
        peak_memory=served.peak_memory,
    )


def service_spec(suite: Suite) -> RunSpec:
    """How the service of `suite` is run."""
    ports = {probe.port for probe in suite.probes if isinstance(probe, HttpProbe)}
    if suite.ready is not None:
        ports |= {port for port in (suite.ready.port, suite.ready.tcp) if port is not None}
    return RunSpec(
        argv=suite.argv,
        environment=suite.environment,
        user=suite.user,
        mounts=suite.mounts,
        ports=tuple(sorted(ports)),
        network=suite.network,
        resources=suite.resources,
    )


def ask_http(container: Container, probe: HttpProbe) -> Answer:
    """The answer of a running service to one request; never raises for what the service does."""
    begun = time.monotonic()
    try:
        response = exchange(container, probe.port, probe.method, probe.path, probe.headers, probe.body, probe.timeout)
    except NoAnswer as none:
        return Answer(probe.name, None, seconds=time.monotonic() - begun, failure=str(none))
    return Answer(
        probe.name,
        response.status,
        headers=response.headers,
        body=response.body,
        seconds=time.monotonic() - begun,
        complaints=expect.of_response(probe, response),
    )


def _ask_service(engine: Engine, prepared: Prepared, suite: Suite, ready: Ready) -> _Served:
    asked = [probe for probe in suite.probes if _needs_service(probe)]
    with ExitStack() as stack:
        try:
            container = stack.enter_context(engine.create(prepared, service_spec(suite)))
            begun = time.monotonic()
            container.start()
        except ENGINE_TROUBLE:
            raise
        except SlimmlError as error:
            return _never(asked, f"the service did not start: {error}", Output(0, b"", b""), None)
        failure = wait_until_ready(container, ready)
        seconds = time.monotonic() - begun
        if failure is not None:
            return _never(asked, failure, container.logs(), container.peak_memory())
        answers = {probe.name: _ask_running(container, probe) for probe in asked}
        return _Served(answers, seconds, None, container.logs(), container.peak_memory())


def _never(asked: list[Probe], failure: str, said: Output, memory: int | None) -> _Served:
    return _Served(
        {probe.name: Answer(probe.name, None, failure=failure) for probe in asked}, None, failure, said, memory
    )


def _needs_service(probe: Probe) -> bool:
    return isinstance(probe, HttpProbe) or (isinstance(probe, CommandProbe) and not probe.alone)


def _ask_running(container: Container, probe: Probe) -> Answer:
    answer = ask_http(container, probe) if isinstance(probe, HttpProbe) else _execute(container, probe)
    if answer.failure is None:
        return answer
    if (exited := container.wait(_ENDING_SECONDS)) is None:
        return answer
    return replace(answer, failure=f"{answer.failure}: the service {told_end(exited, container.logs())}")


def _execute(container: Container, probe: Probe) -> Answer:
    assert isinstance(probe, CommandProbe)
    begun = time.monotonic()
    try:
        said = container.execute(
            probe.argv,
            environment=probe.environment,
            user=probe.user,
            directory=probe.directory,
            stdin=probe.stdin,
            timeout=probe.timeout,
        )
    except ENGINE_TROUBLE:
        raise
    except TimeoutError:
        failure = f"did not end within {probe.timeout:g} s"
    except SlimmlError as error:
        failure = str(error)
    else:
        return Answer(
            probe.name,
            said.code,
            body=said.stdout,
            errors=said.stderr,
            seconds=time.monotonic() - begun,
            complaints=expect.of_output(probe, said.code, said.stdout, said.stderr),
        )
    return Answer(probe.name, None, seconds=time.monotonic() - begun, failure=failure)


def _ask_apart(engine: Engine, prepared: Prepared, suite: Suite, probe: Probe, still: Still) -> Answer:
    begun = time.monotonic()
    try:
        match probe:
            case CommandProbe():
                answer = run_alone(engine, prepared, suite, probe)
            case BatchProbe():
                answer = run_batch(engine, prepared, suite, probe)
            case FileProbe():
                answer = still.file(probe)
            case ConfigProbe():
                answer = still.config(probe)
            case HttpProbe():
                answer = Answer(probe.name, None, failure="there is no service to ask")
    except ENGINE_TROUBLE:
        raise
    except SlimmlError as error:
        answer = Answer(probe.name, None, failure=str(error))
    return answer if answer.seconds else replace(answer, seconds=time.monotonic() - begun)
