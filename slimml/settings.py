"""Defaults that a user keeps: slimml.toml or [tool.slimml], then SLIMML_* variables, then the command line."""

import os
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from slimml.errors import AccessDenied, UsageError
from slimml.oci.limits import Limits

FILE = "slimml.toml"
PROBES = "probes"
BUDGETS = "budgets"
_ELSEWHERE = frozenset({PROBES, BUDGETS})
"""tables in the same file that others read: slimml.probes, slimml.gates"""
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def _setting(default: Any, doc: str, *, choices: tuple[str, ...] = (), trusted: bool = False) -> Any:
    """A field of a settings class; `trusted` ones are not read from files, which may lie in a stranger's checkout."""
    return field(default=default, metadata={"doc": doc, "choices": choices, "trusted": trusted})


@dataclass(frozen=True)
class AnalyzeSettings:
    """Defaults of `slimml analyze`."""

    top: int = _setting(10, "how many owners, findings and paths the report lists")


@dataclass(frozen=True)
class OptimizeSettings:
    """Defaults of `slimml optimize`."""

    level: str = _setting("safe", "how much risk is taken with findings", choices=("safe", "likely", "all"))
    only: tuple[str, ...] = _setting((), "apply these rules and no other")
    skip: tuple[str, ...] = _setting((), "never apply these rules")
    keep: tuple[str, ...] = _setting((), "never touch paths that match one of these globs")
    flatten: bool = _setting(False, "make one layer of all; shared bases are no longer shared")
    compression: str | None = _setting(
        None, "store every layer as gzip, zstd or none, with a level if wanted (`zstd:6`); else each as it was"
    )
    threads: int = _setting(0, "threads that compress; 0 means one per processor")
    keep_removed: bool = _setting(False, "keep what is removed beside the image, for `slimml restore`")
    verify: bool = _setting(True, "run both images where an engine is there, and put back what the new one needs")


@dataclass(frozen=True)
class Settings:
    """Every default that can be set. Limits are those of `oci.limits.Limits`."""

    platform: str | None = _setting(
        None, "platform to choose from an index, such as `linux/arm64`; else this machine's"
    )
    quiet: bool = _setting(False, "no progress and no remarks")
    color: bool = _setting(True, "colours on a terminal; the variable NO_COLOR turns them off as well")
    read_store: bool = _setting(True, "read an engine's own files where that is possible and quicker")
    engine: str | None = _setting(None, "address of the engine's API, such as `unix:///run/docker.sock`", trusted=True)
    insecure: bool = _setting(False, "allow plain HTTP and unverified TLS to registries", trusted=True)
    history: str = _setting("slimml-history", "directory of the results that `slimml history` keeps", trusted=True)
    limits: Limits = field(default_factory=Limits)
    analyze: AnalyzeSettings = field(default_factory=AnalyzeSettings)
    optimize: OptimizeSettings = field(default_factory=OptimizeSettings)


def key_of(name: str) -> str:
    """How a field is written in a file: `read_store` is `read-store`."""
    return name.replace("_", "-")


def load(directory: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that hold in `directory`: the nearest file at or above it, overlaid with `environment`.

    Raises UsageError for an unknown key or a wrong value, AccessDenied for a file that cannot be read.
    """
    found = find_file(directory)
    document, origin = _read(found) if found else ({}, "")
    document = {key: value for key, value in document.items() if key not in _ELSEWHERE}
    settings: Settings = _fill(Settings, document, origin, "", environment)
    return settings


def source_date_epoch(environment: Mapping[str, str] = os.environ) -> int | None:
    """SOURCE_DATE_EPOCH in seconds (reproducible-builds.org), None when not set; raises UsageError."""
    text = environment.get("SOURCE_DATE_EPOCH", "")
    if text and not (text.isascii() and text.isdigit()):
        raise UsageError(f"SOURCE_DATE_EPOCH={text!r} is not a number of seconds")
    return int(text) if text else None


def find_file(directory: Path) -> Path | None:
    """The nearest slimml.toml, or pyproject.toml with a [tool.slimml] table, at or above `directory`."""
    for place in (directory, *directory.parents):
        if (place / FILE).is_file():
            return place / FILE
        project = place / "pyproject.toml"
        if project.is_file() and "slimml" in _parse(project).get("tool", {}):
            return project
    return None


@dataclass(frozen=True)
class Section:
    """A table of the file that others read. `heading` is its name there, `text` the whole file."""

    path: Path
    heading: str
    table: object
    text: str


def section(directory: Path, name: str, path: Path | None = None) -> Section | None:
    """The table `name` of the file that holds in `directory`, or of `path`; None where there is none.

    Raises UsageError, AccessDenied.
    """
    found = path or find_file(directory)
    if found is None:
        return None
    document = _parse(found)
    heading = name
    if found.name == "pyproject.toml":
        document, heading = document.get("tool", {}).get("slimml", {}), f"tool.slimml.{name}"
    if not isinstance(document, dict) or name not in document:
        return None
    return Section(found, heading, document[name], found.read_text("utf-8"))


def _read(path: Path) -> tuple[dict[str, Any], str]:
    document = _parse(path)
    if path.name == FILE:
        return document, str(path)
    table = document["tool"]["slimml"]
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.slimml] should be a table")
    return table, f"{path} [tool.slimml]"


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}") from None


def _fill(kind: Any, document: Mapping[str, Any], origin: str, prefix: str, environment: Mapping[str, str]) -> Any:
    hints = typing.get_type_hints(kind)
    # The names of limits are those that --limit takes, underscores and all.
    names = {f.name if kind is Limits else key_of(f.name): f for f in fields(kind)}
    for key in document:
        if key not in names:
            raise UsageError(f"{origin}: unknown setting {prefix + key!r}{_nearest(key, names)}")
    values: dict[str, Any] = {}
    for key, member in names.items():
        hint, dotted = hints[member.name], prefix + key
        if is_dataclass(hint):
            table = document.get(key, {})
            if not isinstance(table, dict):
                raise UsageError(f"{origin}: {dotted!r} should be a table")
            values[member.name] = _fill(hint, table, origin, f"{dotted}.", environment)
            continue
        if key in document:
            if member.metadata.get("trusted"):
                raise UsageError(f"{origin}: {dotted!r} is not taken from files; use {variable(dotted)} or --{key}")
            values[member.name] = _checked(document[key], hint, member, f"{origin}: {dotted}")
        spoken = environment.get(variable(dotted))
        if spoken is not None and spoken != "":
            values[member.name] = _checked(_spoken(spoken, hint), hint, member, variable(dotted))
    return kind(**values)


def variable(dotted: str) -> str:
    """The environment variable of a setting: `optimize.level` is SLIMML_OPTIMIZE_LEVEL."""
    return "SLIMML_" + dotted.replace(".", "_").replace("-", "_").upper()


def _nearest(key: str, names: Mapping[str, object]) -> str:
    near = get_close_matches(key, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names)}"


def _spoken(text: str, hint: Any) -> Any:
    """The text of an environment variable as the type that the setting has, or as it stands if it is none."""
    if hint is bool:
        return True if text.lower() in _TRUE else False if text.lower() in _FALSE else text
    if hint is int:
        return int(text) if text.isascii() and text.isdigit() else text
    if typing.get_origin(hint) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _checked(value: Any, hint: Any, member: Field[Any], where: str) -> Any:
    choices = member.metadata.get("choices", ())
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{where} should be a list of texts, is {value!r}")
        return tuple(value)
    wanted = typing.get_args(hint)[0] if isinstance(hint, types.UnionType) else hint
    if type(value) is not wanted:
        raise UsageError(f"{where} should be {_SAID[wanted]}, is {value!r}")
    # Only limits have no description here; none of them may be 0.
    least = 0 if member.metadata else 1
    if wanted is int and value < least:
        raise UsageError(f"{where} should be at least {least}, is {value}")
    if choices and value not in choices:
        raise UsageError(f"{where} should be one of {', '.join(choices)}, is {value!r}")
    return value


_SAID = {bool: "true or false", int: "a whole number", str: "text"}
