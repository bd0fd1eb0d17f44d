"""Values that a JSON Schema allows: its examples and defaults where it has some, else the smallest made up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DEPTH = 12
_ITEMS = 8
_FORMATS = {
    "date-time": "2024-01-01T00:00:00Z",
    "date": "2024-01-01",
    "time": "00:00:00Z",
    "email": "name@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


class NoExample(Exception):
    """Nothing can be made up for a schema: a file, or one that refers to itself without end."""


@dataclass
class Maker:
    """Makes examples for the schemas of one OpenAPI document. `made_up` says that a value was invented."""

    document: Mapping[str, Any]
    made_up: bool = field(default=False)
    _left: int = 2000

    def value(self, schema: object, depth: int = 0) -> Any:
        """A value; raises NoExample."""
        found = self.resolved(schema)
        self._left -= 1
        if depth > _DEPTH or self._left < 0:
            raise NoExample("it nests without end")
        for key in ("example", "default", "const"):
            if found.get(key) is not None:
                return found[key]
        for key in ("examples", "enum"):
            if isinstance(found.get(key), list) and found[key]:
                return found[key][0]
        for key in ("anyOf", "oneOf"):
            if isinstance(found.get(key), list) and found[key]:
                return self._first(found[key], depth)
        if isinstance(found.get("allOf"), list):
            found = self._joined(found)
        return self._invented(found, depth)

    def resolved(self, schema: object) -> dict[str, Any]:
        """The schema that a chain of `$ref` within the document leads to; raises NoExample."""
        for _ in range(_DEPTH):
            if not isinstance(schema, dict):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            if not reference.startswith("#/"):
                raise NoExample(f"{reference} is in another document")
            schema = self.document
            for part in reference[2:].split("/"):
                part = part.replace("~1", "/").replace("~0", "~")
                schema = schema.get(part) if isinstance(schema, dict) else None
        raise NoExample("its references go round")

    def _first(self, choices: list[Any], depth: int) -> Any:
        """The first choice that something can be made for, rather not null."""
        for choice in sorted(choices, key=lambda one: isinstance(one, dict) and one.get("type") == "null"):
            try:
                return self.value(choice, depth + 1)
            except NoExample:
                continue
        raise NoExample("none of its choices has an example")

    def _joined(self, schema: dict[str, Any]) -> dict[str, Any]:
        joined: dict[str, Any] = {"properties": {}, "required": []}
        for part in (*schema["allOf"], {key: value for key, value in schema.items() if key != "allOf"}):
            found = self.resolved(part)
            joined["properties"] |= _table(found, "properties")
            joined["required"] += [name for name in found.get("required") or () if isinstance(name, str)]
            joined |= {key: value for key, value in found.items() if key not in ("properties", "required", "allOf")}
        if joined["properties"]:
            joined["type"] = "object"
        return joined

    def _invented(self, schema: Mapping[str, Any], depth: int) -> Any:
        self.made_up = True
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), None)
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                count = min(max(_number(schema, "minItems", 1), 1), _ITEMS)
                return [self.value(schema.get("items", {}), depth + 1) for _ in range(int(count))]
            case "integer":
                return int(_between(schema, 1))
            case "number":
                return float(_between(schema, 1.0))
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return _text(schema)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """The required members, and those that bring their own example; defaults are left to the service."""
        properties = _table(schema, "properties")
        required = [name for name in schema.get("required") or () if isinstance(name, str)]
        chosen = [name for name in properties if name in required or _told(self.resolved(properties[name]))]
        chosen += [name for name in required if name not in properties]
        return {name: self.value(properties.get(name, {}), depth + 1) for name in chosen}


def _told(schema: Mapping[str, Any]) -> bool:
    return schema.get("example") is not None or bool(schema.get("examples"))


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") in ("binary", "byte", "base64") or schema.get("contentMediaType"):
        raise NoExample("it takes a file")
    if "pattern" in schema:
        raise NoExample("it takes a text of a pattern")
    if (found := _FORMATS.get(str(schema.get("format")))) is not None:
        return found
    least, most = int(_number(schema, "minLength", 0)), int(_number(schema, "maxLength", 1 << 16))
    text = "text"[: max(most, 0)]
    return text.ljust(min(least, 1 << 16), "x")


def _between(schema: Mapping[str, Any], wanted: float) -> float:
    """A number within the schema's bounds, `wanted` where they allow it."""
    least, most = _number(schema, "minimum", -math.inf), _number(schema, "maximum", math.inf)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    # OpenAPI 3.0 has them as truths beside the bounds, 3.1 as bounds.
    over = least if above is True else _number(schema, "exclusiveMinimum", -math.inf)
    under = most if below is True else _number(schema, "exclusiveMaximum", math.inf)
    multiple = _number(schema, "multipleOf", 0)
    if multiple > 0:
        low = max(least, over)
        found = max(1, math.ceil(low / multiple)) * multiple if math.isfinite(low) else multiple
        return found + multiple if found <= over else found
    if over < wanted < under and least <= wanted <= most:
        return wanted
    low, high = max(least, over), min(most, under)
    if math.isfinite(low) and math.isfinite(high) and schema.get("type") != "integer":
        return (low + high) / 2
    return (low + 1 if low <= over else low) if math.isfinite(low) else (high - 1 if high >= under else high)


def _number(schema: Mapping[str, Any], key: str, default: float) -> float:
    found = schema.get(key)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else default


def _table(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, dict) else {}
