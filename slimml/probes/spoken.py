"""Probes said on a command line: `POST /rank @body.json`, `python -c "import x"`, ready when `/health` answers."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from slimml.engine.container import OUTPUT_BYTES
from slimml.errors import AccessDenied, NotFound, UsageError
from slimml.probes.kinds import uniquely_named
from slimml.probes.multipart import media_type_of
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe, Probe, Ready, Suite

ORIGIN = "the command line"
_TARGET = re.compile(r"(?::(\d{1,5}))?(/[\x21-\x7e]*)")
_REQUEST = re.compile(r"(?:([A-Za-z]+)\s+)?((?::\d{1,5})?/\S*)(?:\s+(.*))?", re.DOTALL)


def spoken_suite(requests: list[str], commands: list[str], ready: str | None, port: int | None) -> Suite:
    """The suite that options say; `port` holds where a request names none. Raises UsageError, NotFound."""
    condition = spoken_ready(ready, port) if ready else None
    if condition is not None:
        port = port or condition.port or condition.tcp
    http = [spoken_request(words, port) for words in requests]
    if condition is None and http:
        condition = Ready(tcp=http[0].port)
    if condition is not None and condition.exit:
        if http:
            raise UsageError("--ready exit: a program that has ended answers no --probe; use --probe-command")
        batch: list[Probe] = [BatchProbe("the image's command")]
        return Suite(uniquely_named([*batch, *spoken_commands(commands, alone=True)], ORIGIN), ORIGIN)
    probes: list[Probe] = [*http, *spoken_commands(commands, alone=condition is None)]
    if not probes and condition is not None and condition.http is not None and condition.port is not None:
        probes = [HttpProbe(f"GET {condition.http}", condition.http, condition.port)]
    if not probes:
        raise UsageError("--ready alone asks nothing; add --probe 'GET /path' or --probe-command")
    return Suite(uniquely_named(probes, ORIGIN), ORIGIN, ready=condition)


def spoken_request(words: str, port: int | None) -> HttpProbe:
    """`[METHOD] [:PORT]/PATH [@FILE | BODY]`; raises UsageError, NotFound, AccessDenied."""
    match = _REQUEST.fullmatch(words.strip())
    target = _TARGET.fullmatch(match[2]) if match else None
    if match is None or target is None:
        raise UsageError(f"--probe {words!r}: not such as 'GET /path', 'POST :8000/path @body.json'")
    body, media_type = _body(match[3])
    method = (match[1] or ("GET" if body is None else "POST")).upper()
    own = int(target[1]) if target[1] else port
    if own is None or not 0 < own < 65536:
        raise UsageError(f"--probe {words!r}: the image exposes no single port; say it: '{method} :8000{target[2]}'")
    headers = {"Content-Type": media_type} if media_type else {}
    return HttpProbe(f"{method} {target[2]}", target[2], own, method=method, headers=headers, body=body)


def spoken_commands(commands: list[str], *, alone: bool) -> list[CommandProbe]:
    """Commands, split as a shell splits words, and run without one; raises UsageError."""
    found = []
    for words in commands:
        try:
            argv = tuple(shlex.split(words))
        except ValueError as error:
            raise UsageError(f"--probe-command {words!r}: {error}") from None
        if not argv:
            raise UsageError("--probe-command: there is no command")
        found.append(CommandProbe(" ".join(words.split()), argv, code=0, alone=alone))
    return found


def spoken_ready(words: str, port: int | None) -> Ready:
    """`[:PORT]/PATH`, `PORT`, `log:REGEX` or `exit`; raises UsageError."""
    if words == "exit":
        return Ready(exit=True)
    if words.startswith("log:") and words[4:]:
        try:
            re.compile(words[4:])
        except re.error as error:
            raise UsageError(f"--ready {words}: no regular expression: {error}") from None
        return Ready(log=words[4:])
    number = words.removeprefix("tcp:")
    if number.isascii() and number.isdigit() and 0 < int(number[:6]) < 65536:
        return Ready(tcp=int(number))
    target = _TARGET.fullmatch(words)
    if target is None:
        raise UsageError(f"--ready {words}: not such as /health, :8000/health, 8000, log:REGEX or exit")
    own = int(target[1]) if target[1] else port
    if own is None or not 0 < own < 65536:
        raise UsageError(f"--ready {words}: the image exposes no single port; say it: ':8000{target[2]}'")
    return Ready(http=target[2], port=own)


def _body(words: str | None) -> tuple[bytes | None, str]:
    if not words:
        return None, ""
    if not words.startswith("@"):
        return words.encode(), "application/json" if words.lstrip()[:1] in "{[" else "text/plain; charset=utf-8"
    path = Path(words[1:])
    try:
        with path.open("rb") as file:
            found = file.read(OUTPUT_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist (--probe … @{path})") from None
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from None
    if len(found) > OUTPUT_BYTES:
        raise UsageError(f"{path} is larger than {OUTPUT_BYTES >> 20} MiB")
    return found, media_type_of(path.name)
