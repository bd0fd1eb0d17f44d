"""JSON from strangers: bounded in bytes and depth, and read through accessors that check each type."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.limits import DEFAULT_LIMITS, Limits

# Possessive, and a string may lack its end: else every quote of a hostile document would be tried to the end of it.
_STRING_OR_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|([\[\]{}]+)', re.DOTALL)


def load_object(data: bytes, what: str, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """`data` as a JSON object; `what` names it in errors. Raises InvalidImage, LimitExceeded."""
    value = _load(data, what, limits)
    if not isinstance(value, dict):
        raise InvalidImage(f"{what} is JSON, but no object")
    return value


def load_list(data: bytes, what: str, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """`data` as a JSON list; `what` names it in errors. Raises InvalidImage, LimitExceeded."""
    value = _load(data, what, limits)
    if not isinstance(value, list):
        raise InvalidImage(f"{what} is JSON, but no list")
    return value


def _load(data: bytes, what: str, limits: Limits) -> Any:
    if len(data) > limits.json_bytes:
        raise LimitExceeded(f"{what} has {len(data)} bytes of JSON", "json_bytes")
    _check_depth(data, what, limits)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidImage(f"{what} is not JSON: {str(error)[:120]}") from None


def _check_depth(data: bytes, what: str, limits: Limits) -> None:
    depth = 0
    for match in _STRING_OR_BRACKETS.finditer(data):
        for byte in match[1] or b"":
            depth += 1 if byte in b"[{" else -1
            if depth > limits.json_depth:
                raise LimitExceeded(f"{what} nests more than {limits.json_depth} deep", "json_depth")


def dump_canonical(value: Mapping[str, Any]) -> bytes:
    """`value` as compact JSON with sorted keys: the same bytes for the same value."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # A stranger's document may have half a surrogate pair, which only an escape can write.
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def text(obj: Mapping[str, Any], key: str, what: str, default: str | None = None) -> str:
    """A string member; missing or null gives `default`, or raises InvalidImage when there is none."""
    value = obj.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise InvalidImage(f"{what}: {key!r} should be text, is {type(value).__name__}")
    return value


def integer(obj: Mapping[str, Any], key: str, what: str) -> int:
    """A non-negative integer member; raises InvalidImage."""
    value = obj.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise InvalidImage(f"{what}: {key!r} should be a non-negative integer, is {repr(value)[:40]}")
    return value


def mapping(obj: Mapping[str, Any], key: str, what: str) -> dict[str, Any]:
    """An object member; missing or null gives an empty one; raises InvalidImage."""
    value = obj.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidImage(f"{what}: {key!r} should be an object, is {type(value).__name__}")
    return value


def strings(obj: Mapping[str, Any], key: str, what: str) -> dict[str, str]:
    """An object of strings (annotations, labels); missing or null gives an empty one; raises InvalidImage."""
    found = mapping(obj, key, what)
    for name, value in found.items():
        if not isinstance(value, str):
            raise InvalidImage(f"{what}: {key!r} should hold text, {name[:80]!r} is {type(value).__name__}")
    return found


def sequence(obj: Mapping[str, Any], key: str, what: str) -> Sequence[Any]:
    """A list member; missing or null gives an empty one; raises InvalidImage."""
    value = obj.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidImage(f"{what}: {key!r} should be a list, is {type(value).__name__}")
    return value
