"""A suite as the text of a slimml.toml, which `read_suite` reads back as the same suite."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slimml.errors import Unsupported
from slimml.probes.probe import BatchProbe, CommandProbe, Compare, FileProbe, HttpProbe, Probe, Ready, Suite

_SHELL = ("/bin/sh", "-c")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def suite_text(suite: Suite, header: Iterable[str] = (), notes: Mapping[str, str] | None = None) -> str:
    """TOML 1.0 with `header` and the probes' `notes` as comments. Raises Unsupported for what the format lacks:
    mounts, resources, probes of the configuration, bodies that are no text.
    """
    if suite.mounts or suite.substitute:
        raise Unsupported("mounts and substituted variables are not written; write them by hand (docs/probes.md)")
    blocks = ["".join(_comment(line) for line in header), _table("probes.service", _service(suite))]
    if suite.ready is not None:
        blocks.append(_table("probes.ready", _ready(suite.ready)))
    for probe in suite.probes:
        kind, members = _probe(probe, suite)
        note = _comment(notes[probe.name]) if notes and probe.name in notes else ""
        blocks.append(note + _table(f"[probes.{kind}]", members))
    return "\n".join(block for block in blocks if block)


def toml_value(value: Any) -> str:
    """A value of JSON's kinds as TOML writes it inline; raises Unsupported for null, which TOML does not have."""
    match value:
        case None:
            raise Unsupported("TOML has no null")
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int() | float():
            return repr(value)
        case Mapping():
            inner = ", ".join(f"{_key(str(key))} = {toml_value(item)}" for key, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case _:
            return f"[{', '.join(toml_value(item) for item in value)}]"


def _table(name: str, members: Iterable[tuple[str, Any]]) -> str:
    lines = [f"{key} = {toml_value(value)}\n" for key, value in members if value is not None]
    return f"[{name}]\n{''.join(lines)}" if lines else ""


def _service(suite: Suite) -> Iterator[tuple[str, Any]]:
    yield "command", _words(suite.argv)
    yield "environment", dict(suite.environment) or None
    yield "user", suite.user
    yield "network", None if suite.network else False
    yield "memory", suite.resources.memory
    yield "cpus", suite.resources.cpus
    yield "gpus", suite.resources.gpus


def _ready(ready: Ready) -> Iterator[tuple[str, Any]]:
    yield "http", ready.http
    yield "port", ready.port
    yield "status", ready.status
    yield "tcp", ready.tcp
    yield "log", ready.log
    yield "timeout", _seconds(ready.timeout, Ready.timeout)


def _probe(probe: Probe, suite: Suite) -> tuple[str, Iterable[tuple[str, Any]]]:
    match probe:
        case HttpProbe():
            return "http", _http(probe, suite)
        case CommandProbe():
            return "command", _command(probe, suite)
        case BatchProbe():
            return "batch", _batch(probe)
        case FileProbe():
            return "file", _file(probe)
        case _:
            raise Unsupported(f"{probe.name}: probes of the configuration are not written as TOML")


def _http(probe: HttpProbe, suite: Suite) -> Iterator[tuple[str, Any]]:
    kind, value, media_type = _body(probe)
    headers = {name: text for name, text in probe.headers.items() if (name, text) != ("Content-Type", media_type)}
    if kind == "body" and not any(name.lower() == "content-type" for name in probe.headers):
        headers["Content-Type"] = ""  # else the format's own would be sent
    yield "name", None if probe.name == f"{probe.method} {probe.path}" else probe.name
    yield "path", probe.path
    yield "method", None if probe.method == ("GET" if probe.body is None else "POST") else probe.method
    known = suite.ready.port or suite.ready.tcp if suite.ready else None
    yield "port", None if probe.port == known else probe.port
    yield "headers", headers or None
    if kind:
        yield kind, value
    yield "status", probe.status
    yield "contains", probe.contains or None
    yield from _compare(probe)
    yield "timeout", _seconds(probe.timeout, HttpProbe.timeout)


def _body(probe: HttpProbe) -> tuple[str, Any, str]:
    """The key of a body, its value, and the Content-Type that goes without saying."""
    if probe.body is None:
        return "", None, ""
    try:
        text = probe.body.decode()
    except UnicodeDecodeError:
        raise Unsupported(f"{probe.name}: a body of bytes is not written; put it into a file") from None
    if probe.headers.get("Content-Type") == "application/json":
        try:
            value = json.loads(text)
            toml_value(value)
        except (ValueError, Unsupported):
            return "body", text, ""
        if json.dumps(value, ensure_ascii=False) == text:
            return "json", value, "application/json"
    return "body", text, "text/plain; charset=utf-8"


def _command(probe: CommandProbe, suite: Suite) -> Iterator[tuple[str, Any]]:
    yield "name", probe.name
    yield "run", _words(probe.argv)
    yield "environment", dict(probe.environment) or None
    yield "user", probe.user
    yield "directory", probe.directory
    yield "stdin", probe.stdin.decode() or None
    yield "code", probe.code or None
    yield "output", probe.output or None
    yield "no-output", probe.excluded or None
    yield "errors", probe.errors or None
    yield "no-errors", probe.excluded_errors or None
    yield "alone", None if probe.alone == (suite.ready is None) else probe.alone
    yield from _compare(probe)
    yield "timeout", _seconds(probe.timeout, CommandProbe.timeout)


def _batch(probe: BatchProbe) -> Iterator[tuple[str, Any]]:
    if probe.mounts:
        raise Unsupported(f"{probe.name}: inputs are not written; write them by hand (docs/probes.md)")
    yield "name", probe.name
    yield "run", _words(probe.argv)
    yield "environment", dict(probe.environment) or None
    yield "outputs", probe.outputs or None
    yield "code", probe.code or None
    yield from _compare(probe)
    yield "timeout", _seconds(probe.timeout, BatchProbe.timeout)


def _file(probe: FileProbe) -> Iterator[tuple[str, Any]]:
    yield "name", probe.name
    yield "path", probe.path
    yield "there", None if probe.there else False
    yield "content", probe.contains or None
    yield "no-content", probe.excluded or None
    yield "permissions", probe.permissions
    yield "uid", probe.uid
    yield "gid", probe.gid
    yield "executable-by", probe.executable_by
    yield from _compare(probe)


def _compare(probe: Probe) -> Iterator[tuple[str, Any]]:
    compare = probe.compare
    if compare.absolute != Compare.absolute:
        yield "tolerance", {"relative": compare.relative, "absolute": compare.absolute}
    elif compare.relative != Compare.relative:
        yield "tolerance", compare.relative
    yield "ignore", compare.ignore or None
    yield "stderr", compare.stderr or None


def _words(argv: tuple[str, ...] | None) -> Any:
    return argv[2] if argv is not None and argv[:2] == _SHELL and len(argv) == 3 else argv


def _seconds(value: float, default: float) -> float | int | None:
    return None if value == default else int(value) if value == int(value) else value


def _comment(text: str) -> str:
    """A text as lines of comments; TOML allows no control characters in them."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"# {plain}\n" if plain else "#\n"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for DEL and half surrogate pairs, which TOML does not have."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unsupported(f"TOML cannot hold {value!r}") from None
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
