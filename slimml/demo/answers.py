"""The same questions to the application inside two root file systems."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.demo.inside import NOT_ALLOWED, Program
from slimml.oci import documents

if TYPE_CHECKING:
    from pathlib import Path

    from slimml.oci.config import ImageConfig

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Question:
    """One request, and the status that a working application answers with."""

    method: str
    path: str
    body: str = ""
    status: int = 200

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body}".rstrip()


QUESTIONS = (
    Question("GET", "/health"),
    Question("GET", "/about"),
    Question("POST", "/rank", json.dumps({"items": [3, 14, 159, 2653, 18979]})),
    Question("POST", "/rank", json.dumps({"items": "none"}), status=422),
    Question("GET", "/nowhere", status=404),
)


@dataclass(frozen=True)
class Answer:
    """Status 0 means that there was none; `body` says why then."""

    status: int
    body: str


@dataclass(frozen=True)
class NotRun:
    """The kernel did not let the application run: nothing is known of it."""

    reason: str


def ask(root: Path, config: ImageConfig) -> tuple[Answer, ...] | NotRun:
    """Run the image's command in `root`, ask all QUESTIONS, and end it."""
    # The socket listens before the program runs: no port can be taken meanwhile, and nobody has to wait for readiness.
    with socket.create_server(("127.0.0.1", 0)) as listening, tempfile.TemporaryFile() as errors:
        address = listening.getsockname()
        program = _program(root, config, listening.fileno())
        process = subprocess.Popen(
            program.command(),
            pass_fds=(listening.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        # From here on only the program holds it, so that its death ends our requests.
        listening.close()
        try:
            answers = tuple(_answer(address, question) for question in QUESTIONS)
        finally:
            if process.poll() is None:
                process.terminate()
            code = process.wait()
        errors.seek(0, os.SEEK_END)
        errors.seek(max(0, errors.tell() - 4000))
        said = errors.read().decode(errors="replace").strip().splitlines()
    reason = said[-1] if said else f"it ended with {code}"
    if code == NOT_ALLOWED:
        return NotRun(reason)
    if all(answer.status == 0 for answer in answers):
        return tuple(Answer(0, reason) for _ in answers)
    return answers


def _program(root: Path, config: ImageConfig, descriptor: int) -> Program:
    runtime = config.runtime
    words = [*documents.sequence(runtime, "Entrypoint", "config"), *documents.sequence(runtime, "Cmd", "config")]
    pairs = (str(item).partition("=") for item in documents.sequence(runtime, "Env", "config"))
    user, _, group = documents.text(runtime, "User", "config", default="0").partition(":")
    return Program(
        root=str(root),
        argv=tuple(str(word) for word in words),
        environment={name: value for name, _, value in pairs},
        directory=documents.text(runtime, "WorkingDir", "config", default="/"),
        user=int(user),
        group=int(group or user),
        socket=descriptor,
    )


def _answer(address: tuple[str, int], question: Question) -> Answer:
    connection = http.client.HTTPConnection(*address, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(question.method, question.path, question.body or None)
        response = connection.getresponse()
        return Answer(response.status, response.read(1 << 20).decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, f"no answer: {type(error).__name__}")
    finally:
        connection.close()
