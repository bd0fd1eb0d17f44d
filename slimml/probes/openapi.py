"""Requests that an OpenAPI (3.x) or Swagger (2.0) document describes, with bodies made from its schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from slimml.probes.examples import Maker, NoExample
from slimml.probes.probe import HttpProbe

PATHS = (
    "/openapi.json",
    "/swagger.json",
    "/v3/api-docs",
    "/api/openapi.json",
    "/api/v1/openapi.json",
    "/api/swagger.json",
    "/docs/openapi.json",
    "/docs.json",
    "/apispec_1.json",
    "/apispec.json",
    "/swagger/v1/swagger.json",
)
_PROBES = 40
_DANGEROUS = re.compile(r"shutdown|terminate|restart|\bkill\b|\bexit\b|\bquit\b", re.IGNORECASE)


@dataclass(frozen=True)
class Described:
    """A request that a document describes: a probe and what has to be said of it, or why there is none."""

    method: str
    path: str
    note: str
    probe: HttpProbe | None


def described_requests(document: Mapping[str, Any], port: int) -> tuple[Described, ...]:
    """GET and POST of a document, at most 40; those that nothing can be made up for without a probe."""
    found: list[Described] = []
    base = _base(document)
    for path, operations in _table(document, "paths").items():
        for method in ("get", "post"):
            operation = operations.get(method) if isinstance(operations, dict) else None
            if isinstance(operation, dict) and len(found) < _PROBES:
                shared = operations.get("parameters")
                found.append(_described(document, base, str(path), method.upper(), operation, shared, port))
    return tuple(found)


def is_description(body: bytes) -> dict[str, Any] | None:
    """The document in an answer, None where it is no description of an API."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict) and isinstance(found.get("paths"), dict) and ("openapi" in found or "swagger" in found):
        return found
    return None


def _described(
    document: Mapping[str, Any],
    base: str,
    path: str,
    method: str,
    operation: Mapping[str, Any],
    shared: object,
    port: int,
) -> Described:
    maker = Maker(document)
    try:
        if _DANGEROUS.search(path):
            raise NoExample("it may end the service")
        parameters = list(_parameters(maker, operation, shared))
        target = base + _filled(maker, path, parameters)
        body, media_type = _body(maker, operation, parameters) if method == "POST" else (None, "")
    except NoExample as reason:
        return Described(method, base + path, f"not guessed: {reason}", None)
    headers = {"Content-Type": media_type} if media_type else {}
    probe = HttpProbe(f"{method} {target}", target, port, method=method, headers=headers, body=body)
    if body is None:
        return Described(method, target, "", probe)
    told = "made up from the schema; check that it is an input as users send" if maker.made_up else "the API's example"
    return Described(method, target, told, probe)


def _parameters(maker: Maker, operation: Mapping[str, Any], shared: object) -> Iterator[dict[str, Any]]:
    own = operation.get("parameters")
    for parameter in (*(shared if isinstance(shared, list) else ()), *(own if isinstance(own, list) else ())):
        yield maker.resolved(parameter)


def _filled(maker: Maker, path: str, parameters: list[dict[str, Any]]) -> str:
    """The path with the parameters that it needs; only examples and defaults are taken for them."""
    query: dict[str, Any] = {}
    for parameter in parameters:
        place, name = parameter.get("in"), str(parameter.get("name"))
        if place not in ("path", "query", "header") or not (parameter.get("required") or place == "path"):
            continue
        value = _given(maker, parameter)
        if place == "header":
            raise NoExample(f"it needs the header {name!r}")
        if value is None:
            raise NoExample(f"it needs {name!r}")
        if place == "path":
            path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
        else:
            query[name] = value
    if "{" in path:
        raise NoExample("it needs a part of its path")
    target = quote(path, safe="/%:@!$&'()*+,;=~-._")
    return f"{target}?{urlencode(query, doseq=True)}" if query else target


def _given(maker: Maker, parameter: Mapping[str, Any]) -> Any:
    if parameter.get("example") is not None:
        return parameter["example"]
    examples = _table(parameter, "examples")
    for example in examples.values():
        return maker.resolved(example).get("value")
    schema = maker.resolved(parameter.get("schema", parameter))
    for key in ("example", "default"):
        if schema.get(key) is not None:
            return schema[key]
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    return None


def _body(maker: Maker, operation: Mapping[str, Any], parameters: list[dict[str, Any]]) -> tuple[bytes | None, str]:
    for parameter in parameters:
        if parameter.get("in") == "body":
            return json.dumps(maker.value(parameter.get("schema", {})), ensure_ascii=False).encode(), "application/json"
        if parameter.get("in") == "formData" and parameter.get("required"):
            raise NoExample("it takes a form")
    request = maker.resolved(operation.get("requestBody") or {})
    content = _table(request, "content")
    if not content:
        return None, ""
    for media_type, described in content.items():
        if media_type.partition(";")[0].endswith(("/json", "+json")):
            value = _example(maker, described if isinstance(described, dict) else {})
            return json.dumps(value, ensure_ascii=False).encode(), "application/json"
    for media_type, described in content.items():
        if media_type == "application/x-www-form-urlencoded" and isinstance(described, dict):
            value = maker.value(described.get("schema", {}))
            if isinstance(value, dict):
                return urlencode(value, doseq=True).encode(), media_type
        if media_type == "text/plain":
            return b"text", media_type
    raise NoExample(f"it takes {', '.join(map(str, content))}")


def _example(maker: Maker, described: Mapping[str, Any]) -> Any:
    if described.get("example") is not None:
        return described["example"]
    for example in _table(described, "examples").values():
        if (value := maker.resolved(example).get("value")) is not None:
            return value
    return maker.value(described.get("schema", {}))


def _base(document: Mapping[str, Any]) -> str:
    """What stands before every path: `basePath`, or the path of the first server."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    text = document.get("basePath") or urlsplit(str(first.get("url") or "")).path
    return text.rstrip("/") if isinstance(text, str) and text.startswith("/") and "{" not in text else ""


def _table(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
