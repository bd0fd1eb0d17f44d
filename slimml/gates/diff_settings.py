"""Holds two image configurations together, variable by variable and label by label."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slimml.bloat.build_step import masked
from slimml.bloat.detectors.secrets import is_secret
from slimml.gates.difference import SettingChange

if TYPE_CHECKING:
    from slimml.oci.config import ImageConfig

_SECRET = "(looks like a secret)"
_MAPS = ("Labels", "ExposedPorts", "Volumes")


def compare_settings(before: ImageConfig, after: ImageConfig) -> tuple[SettingChange, ...]:
    """What is set otherwise, sorted by key: `platform`, members of `config` (image-spec config.md), `Env.NAME`,
    `Labels.NAME`, `ExposedPorts.PORT`, `Volumes.PATH`."""
    old, new = _flat(before), _flat(after)
    return tuple(
        SettingChange(key, *_told(key, old.get(key), new.get(key)))
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )


def _flat(config: ImageConfig) -> dict[str, str]:
    found: dict[str, str] = {"platform": str(config.platform)}
    for key, value in config.runtime.items():
        if key == "Env" and isinstance(value, list):
            for one in value:
                name, _, text = str(one).partition("=")
                found[f"Env.{name}"] = text
        elif key in _MAPS and isinstance(value, Mapping):
            found |= {f"{key}.{name}": _text(inner) for name, inner in value.items()}
        elif value not in (None, "", [], {}, False):
            found[key] = _text(value)
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _told(key: str, before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """The values, except those that nobody should read."""
    group, _, name = key.partition(".")
    named = name if group in ("Env", "Labels") else ""

    def told(value: str | None) -> str | None:
        if value is None:
            return None
        return _SECRET if named and is_secret(named, value) else masked(value)

    return told(before), told(after)
