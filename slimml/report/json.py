"""Documents for programs: versioned by `schema`, described by the JSON Schema files beside this module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from importlib import resources
from typing import IO, TYPE_CHECKING, Any

from slimml.errors import UsageError
from slimml.report.untrusted import well_formed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

VERSION = 1
"""Raised when a member is taken away or changes its meaning; new members do not raise it."""


def document(name: str, value: DataclassInstance | None = None, **more: Any) -> dict[str, Any]:
    """`value` and `more` (data classes, too) as one JSON object, described by the published schema `name`."""
    return {"schema": f"slimml.{name}/{VERSION}", **(_plain(value) if value else {}), **_plain(more)}


def write(found: Mapping[str, Any], stream: IO[str]) -> None:
    """The object as indented JSON and a line end. Everything beyond ASCII is escaped: no terminal is steered by it."""
    json.dump(found, stream, indent=2)
    stream.write("\n")


def schema_names() -> list[str]:
    """The published schemas."""
    files = resources.files("slimml.report") / "schemas"
    return sorted(file.name.removesuffix(".schema.json") for file in files.iterdir() if file.name.endswith(".json"))


def schema_text(name: str) -> str:
    """A published JSON Schema (2020-12) as text; raises UsageError for a name that is none."""
    known = schema_names()
    if name not in known:
        raise UsageError(f"no schema {name!r}; there are: {', '.join(known)}")
    return (resources.files("slimml.report") / "schemas" / f"{name}.schema.json").read_text("utf-8")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {well_formed(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return well_formed(value) if isinstance(value, str) else value
