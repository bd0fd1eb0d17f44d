"""Values of reports as the page shows them: plain, and no word in them that could steer or mislead a reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from slimml.report.untrusted import visible

_OF_LINES = frozenset({"command", "fix"})
"""members whose line ends mean something"""


def shown(value: Any, member: str = "") -> Any:
    """`value` (data classes, mappings, sequences, words, numbers) as JSON may hold it, every word made visible."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return "\n".join(map(visible, value.split("\n"))) if member in _OF_LINES else visible(value)
    if is_dataclass(value):
        return {one.name: shown(getattr(value, one.name), one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        return {visible(str(key)): shown(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item, member) for item in value]
    return value
