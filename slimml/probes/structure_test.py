"""container-structure-test's YAML, schema version 2.0.0, as probes (its README; what it leaves open as its code does).

Every command runs in a container of its own, without the image's entrypoint, as there. What nobody checks here
(licences) or gives to containers (privileges, this machine's variables) is said, not passed over in silence.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slimml.engine.container import Mount
from slimml.errors import UsageError
from slimml.probes import kinds
from slimml.probes.nearby import Nearby
from slimml.probes.probe import CommandProbe, Compare, ConfigPart, ConfigProbe, FileProbe, Probe, Suite
from slimml.probes.table import Table, shown

_VERSION = "2.0.0"
_NOT_GIVEN = ("privileged", "allocateTty", "envVars", "capabilities")
_EXPECTED_ONLY = Compare(ignore=("file:*",))
"""files are held against the patterns alone, as container-structure-test does, not against the original's content"""


@dataclass
class _Options:
    user: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    mounts: list[Mount] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)


def structure_suite(text: str, path: Path) -> Suite:
    """The suite in a YAML (or JSON) document of container-structure-test; raises UsageError."""
    table = Table(_parsed(text, path), str(path))
    version = table.raw("schemaVersion")
    if version != _VERSION:
        raise UsageError(f"{path}: schemaVersion should be {_VERSION} (container-structure-test), is {shown(version)}")
    options = _options(table.table("containerRunOptions"), Nearby(path.parent))
    environment = options.environment | _variables(table, "globalEnvVars")
    commands = [_command(item) for item in table.tables("commandTests")]
    files = [_existence(item) for item in table.tables("fileExistenceTests")]
    files += [_content(item) for item in table.tables("fileContentTests")]
    metadata = table.table("metadataTest")
    if table.has("licenseTests"):
        options.not_checked.append("licenseTests: slimml does not judge licences")
    config = [ConfigProbe("metadataTest", _parts(metadata))] if metadata else []
    table.end()
    probes: tuple[Probe, ...] = kinds.uniquely_named([*commands, *files, *config], str(path))
    if not probes and not options.not_checked:
        raise UsageError(f"{path}: there are no tests in it")
    return Suite(
        probes=probes,
        origin=str(path),
        environment=environment,
        mounts=tuple(options.mounts),
        user=options.user,
        substitute=True,
        not_checked=tuple(options.not_checked),
    )


def _parsed(text: str, path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}") from None


def _options(table: Table | None, nearby: Nearby) -> _Options:
    found = _Options()
    if table is None:
        return found
    found.user = table.text("user") or None
    for name in _NOT_GIVEN:
        if table.raw(name):
            found.not_checked.append(f"containerRunOptions.{name}: not given to containers")
    if (file := table.text("envFile")) is not None:
        lines = nearby.read(file, table.where).decode("utf-8", "replace").splitlines()
        pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
        found.environment = {name.strip(): value for name, _, value in pairs}
    for words in table.texts("bindMounts"):
        source, _, rest = words.partition(":")
        found.mounts.append(nearby.mount(source, rest.partition(":")[0], table.where))
    table.end()
    return found


def _variables(table: Table, key: str) -> dict[str, str]:
    found = {}
    for item in table.tables(key):
        found[item.needed("key")] = item.scalar("value")
        item.raw("isRegex")
        item.end()
    return found


def _command(table: Table) -> CommandProbe:
    argv = (table.needed("command"), *table.texts("args"))
    setup, teardown = _steps(table, "setup"), _steps(table, "teardown")
    code = table.whole("exitCode", 0, 255)
    found = CommandProbe(
        name=table.needed("name"),
        argv=_with_steps(argv, setup, teardown) if setup or teardown else argv,
        environment=_variables(table, "envVars"),
        code=code or 0,
        output=_patterns(table, "expectedOutput"),
        excluded=_patterns(table, "excludedOutput"),
        errors=_patterns(table, "expectedError"),
        excluded_errors=_patterns(table, "excludedError"),
        alone=True,
    )
    table.end()
    return found


def _steps(table: Table, key: str) -> list[list[str]]:
    found = table.raw(key) or []
    if not isinstance(found, list) or not all(
        isinstance(step, list) and step and all(isinstance(word, str) for word in step) for step in found
    ):
        raise UsageError(f"{table.where}: {key!r} should be a list of commands, each a list of texts")
    return found


def _with_steps(argv: tuple[str, ...], setup: list[list[str]], teardown: list[list[str]]) -> tuple[str, ...]:
    """One shell that does it all in one container: there each step's container is committed for the next one."""
    before = [f"{shlex.join(step)} >/dev/null || exit 125" for step in setup]
    after = [f"{shlex.join(step)} >/dev/null || exit 125" for step in teardown]
    script = "\n".join([*before, '"$@"', "set -- $?", *after, 'exit "$1"'])
    return ("/bin/sh", "-c", script, "sh", *argv)


def _existence(table: Table) -> FileProbe:
    found = FileProbe(
        name=table.needed("name"),
        path=table.needed("path"),
        there=table.truth("shouldExist", True),
        permissions=kinds.permissions(table.text("permissions") or None, table),
        uid=table.whole("uid"),
        gid=table.whole("gid"),
        executable_by=kinds.executable_by(table.text("isExecutableBy") or None, table),
        compare=_EXPECTED_ONLY,
    )
    table.end()
    return found


def _content(table: Table) -> FileProbe:
    found = FileProbe(
        name=table.needed("name"),
        path=table.needed("path"),
        contains=_patterns(table, "expectedContents"),
        excluded=_patterns(table, "excludedContents"),
        compare=_EXPECTED_ONLY,
    )
    table.end()
    return found


def _parts(table: Table) -> tuple[ConfigPart, ...]:
    found = [*_keyed(table, "envVars", "env"), *_keyed(table, "env", "env"), *_keyed(table, "labels", "label")]
    found += [ConfigPart(f"env:{item.needed('key')}", None) for item in table.tables("unboundEnvVars")]
    found += [ConfigPart(f"port:{port}", "") for port in _plain_texts(table, "exposedPorts")]
    found += [ConfigPart(f"port:{port}", None) for port in _plain_texts(table, "unexposedPorts")]
    found += [ConfigPart(f"volume:{path}", "") for path in table.texts("volumes")]
    found += [ConfigPart(f"volume:{path}", None) for path in table.texts("unmountedVolumes")]
    for key in ("entrypoint", "cmd"):
        if table.has(key):
            found.append(ConfigPart(key, _exactly(json.dumps(list(table.texts(key))))))
    for key in ("workdir", "user"):
        if value := table.text(key):
            found.append(ConfigPart(key, _exactly(value)))
    table.end()
    return tuple(found)


def _keyed(table: Table, key: str, kind: str) -> list[ConfigPart]:
    found = []
    for item in table.tables(key):
        name, value = item.needed("key"), item.scalar("value")
        if item.truth("isRegex", False):
            kinds.pattern(value, item, "value")
        else:
            value = _exactly(value)
        item.end()
        found.append(ConfigPart(f"{kind}:{name}", value))
    return found


def _plain_texts(table: Table, key: str) -> list[str]:
    """A list of texts; YAML reads a port without quotes as a number."""
    found = table.raw(key) or []
    if not isinstance(found, list) or not all(isinstance(item, str | int) for item in found):
        raise UsageError(f"{table.where}: {key!r} should be a list of texts, is {shown(found)}")
    return [str(item) for item in found]


def _exactly(text: str) -> str:
    return rf"\A{re.escape(text)}\Z"


def _patterns(table: Table, key: str) -> tuple[str, ...]:
    found = table.texts(key)
    for text in found:
        kinds.pattern(text, table, key)
    return found
