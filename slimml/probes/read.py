"""Probes out of files: [probes] of slimml.toml and pyproject.toml, a file of their own, container-structure-test."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slimml.engine.container import Mount, Resources
from slimml.errors import AccessDenied, NotFound, UsageError
from slimml.probes import kinds
from slimml.probes.nearby import Nearby
from slimml.probes.probe import BatchProbe, CommandProbe, Probe, Ready, Suite
from slimml.probes.table import Table

_YAML = frozenset({".yaml", ".yml", ".json"})
_FILE_BYTES = 4 << 20
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def read_suite(path: Path, port: int | None = None) -> Suite:
    """The probes in a file. `port` (the one that the image exposes) is asked where the file names none.

    Files and mounts that it names are taken from below its directory. Raises UsageError, NotFound, AccessDenied.
    """
    text = _content(path)
    if path.suffix.lower() in _YAML:
        from slimml.probes.structure_test import structure_suite

        return structure_suite(text, path)
    document = probes_table(path, text)
    if document is None:
        raise UsageError(f"{path} has no [probes]; slimml init IMAGE writes some, docs/probes.md describes them")
    return suite_of(document, path, port)


def has_probes(path: Path) -> bool:
    """Whether a TOML file has probes; raises UsageError, NotFound, AccessDenied."""
    return probes_table(path, _content(path)) is not None


def probes_table(path: Path, text: str) -> Any:
    """What stands under [probes] ([tool.slimml.probes] of pyproject.toml), None where nothing does.

    A file that has neither and is not one of settings is all probes. Raises UsageError.
    """
    try:
        document: Any = tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    if path.name == "pyproject.toml":
        for key in ("tool", "slimml", "probes"):
            document = document.get(key) if isinstance(document, dict) else None
        return document
    return document.get("probes") if "probes" in document or path.name == "slimml.toml" else document


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = file.read(_FILE_BYTES + 1)
        if len(found) > _FILE_BYTES:
            raise UsageError(f"{path} is larger than {_FILE_BYTES >> 20} MiB; that is no file of probes")
        return found.decode("utf-8")
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist; slimml init IMAGE writes a file of probes") from None
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from None


def suite_of(document: object, path: Path, port: int | None = None) -> Suite:
    """The suite in an unprefixed [probes] document that stands in `path`; raises UsageError."""
    table = Table(document, str(path))
    nearby = Nearby(path.parent)
    service = _service(table.table("service"), nearby)
    asked = table.table("ready")
    known_port = service.port or (_port_of(asked) if asked else None) or port
    ready = _ready(asked, known_port) if asked else None
    http = [kinds.http_probe(item, known_port, nearby) for item in table.tables("http")]
    if http and ready is None:
        ready = Ready(tcp=http[0].port)
    if ready and ready.exit and http:
        raise UsageError(f"{path}: a program that is ready when it has ended answers no [[http]] probes")
    batches = [kinds.batch_probe(item, nearby) for item in table.tables("batch")]
    if ready and ready.exit:
        batches = batches or [BatchProbe("the image's command", timeout=ready.timeout)]
        ready = None
    commands = [kinds.command_probe(item, alone=ready is None) for item in table.tables("command")]
    files = [kinds.file_probe(item) for item in table.tables("file")]
    table.end()
    probes = kinds.uniquely_named([*http, *commands, *batches, *files], str(path))
    _check_service(probes, ready, path)
    return Suite(
        probes=probes,
        origin=str(path),
        ready=ready,
        argv=service.argv,
        environment=service.environment,
        mounts=service.mounts,
        user=service.user,
        network=service.network,
        resources=service.resources,
    )


@dataclass(frozen=True)
class _Service:
    argv: tuple[str, ...] | None
    environment: dict[str, str]
    mounts: tuple[Mount, ...]
    user: str | None
    network: bool
    resources: Resources
    port: int | None


def _service(table: Table | None, nearby: Nearby) -> _Service:
    table = table or Table({}, "")
    found = _Service(
        argv=table.words("command"),
        environment=table.pairs("environment"),
        mounts=kinds.mounts_of(table, "mounts", nearby),
        user=table.text("user"),
        network=table.truth("network", True),
        resources=Resources(_bytes_of(table), table.number("cpus", 0) or None, table.text("gpus")),
        port=table.port("port"),
    )
    table.end()
    return found


def _bytes_of(table: Table) -> int | None:
    """`memory`: bytes, or a text such as 512m, 4g (powers of 1024, as Docker's --memory)."""
    found = table.raw("memory")
    if not isinstance(found, str):
        return table.whole("memory", 1)
    number = found.lower().rstrip("bkmgt")
    unit = found.lower()[len(number) :].removesuffix("b")
    if not (number.isascii() and number.isdigit()) or unit not in _UNITS:
        raise UsageError(f"{table.where}: 'memory' should be bytes or such as '512m' or '4g', is {found!r}")
    return int(number) * _UNITS[unit]


def _port_of(table: Table) -> int | None:
    """The port that [probes.ready] names."""
    return table.port("port") or (None if table.raw("tcp") in (None, True) else table.port("tcp"))


def _ready(table: Table, port: int | None) -> Ready:
    condition = table.only_one_of("http", "tcp", "log", "exit")
    tcp: int | None = None
    if condition == "tcp":
        tcp = port if table.raw("tcp") is True else table.port("tcp")
    elif condition is None:
        tcp = port
    if condition == "http" and port is None:
        raise UsageError(f"{table.where}: 'port' is missing, and the image exposes no single one")
    if condition in ("tcp", None) and tcp is None:
        raise UsageError(f"{table.where}: say when the service is ready: http, tcp, log or exit")
    found = Ready(
        http=kinds.url_path(table, "http") if condition == "http" else None,
        port=port if condition == "http" else None,
        status=table.whole("status", 100, 599),
        tcp=tcp,
        log=kinds.pattern(table.text("log"), table, "log"),
        exit=table.truth("exit", False),
        timeout=table.number("timeout", Ready.timeout),
    )
    table.raw("port")
    table.end()
    return found


def _check_service(probes: tuple[Probe, ...], ready: Ready | None, path: Path) -> None:
    """Something is asked, and whoever needs a service gets one; raises UsageError."""
    if not probes:
        raise UsageError(f"{path}: no probes; give at least one [[http]], [[command]], [[batch]] or [[file]]")
    for probe in probes:
        if isinstance(probe, CommandProbe) and not probe.alone and ready is None:
            raise UsageError(f"{path}: {probe.name!r} runs in the service; say when that is ready under [probes.ready]")
