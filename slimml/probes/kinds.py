"""The tables of single probes: [[http]], [[command]], [[batch]] and [[file]]."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.engine.container import Mount
from slimml.errors import UsageError
from slimml.probes.multipart import Part, media_type_of, multipart, urlencoded
from slimml.probes.probe import BatchProbe, CommandProbe, Compare, FileProbe, HttpProbe, Probe

if TYPE_CHECKING:
    from slimml.probes.nearby import Nearby
    from slimml.probes.table import Table

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_LINE = re.compile(r"[\r\n\0]")
_IGNORED = ("header:", "json:", "file:", "line:")
_IGNORED_WHOLE = frozenset({"body", "stdout", "stderr", "code"})
_EXECUTABLE_BY = ("owner", "group", "other", "any")
_PERMISSIONS = re.compile(r"[-dalTLDpSugct]+[-rwxsStT]{9}")


def http_probe(table: Table, port: int | None, nearby: Nearby) -> HttpProbe:
    """A [[http]] table; `port` holds where it names none. Raises UsageError."""
    path = url_path(table, "path")
    body, media_type = _body(table, nearby)
    method = (table.text("method") or ("GET" if body is None else "POST")).upper()
    if not _METHOD.fullmatch(method):
        raise UsageError(f"{table.where}: {method!r} is no method")
    headers = table.pairs("headers")
    for name, value in headers.items():
        if not _METHOD.fullmatch(name) or _HEADER_LINE.search(value):
            raise UsageError(f"{table.where}: {name!r} is no header")
    if media_type and not any(name.lower() == "content-type" for name in headers):
        headers = {"Content-Type": media_type, **headers}
    own_port = table.port("port") or port
    if own_port is None:
        raise UsageError(f"{table.where}: 'port' is missing; say it here or under [probes.service]")
    found = HttpProbe(
        name=table.text("name") or f"{method} {path}",
        path=path,
        port=own_port,
        method=method,
        headers={name: value for name, value in headers.items() if value},
        body=body,
        status=table.whole("status", 100, 599),
        contains=table.texts("contains"),
        compare=_compare(table),
        timeout=table.number("timeout", HttpProbe.timeout),
    )
    table.end()
    return found


def command_probe(table: Table, *, alone: bool) -> CommandProbe:
    """A [[command]] table; `alone` says where it runs unless the table does. Raises UsageError."""
    argv = _needed_words(table, "run")
    found = CommandProbe(
        name=table.text("name") or _shown(argv),
        argv=argv,
        environment=table.pairs("environment"),
        user=table.text("user"),
        directory=table.text("directory"),
        stdin=(table.text("stdin") or "").encode(),
        code=0 if (code := table.whole("code", 0, 255)) is None else code,
        output=_patterns(table, "output"),
        excluded=_patterns(table, "no-output"),
        errors=_patterns(table, "errors"),
        excluded_errors=_patterns(table, "no-errors"),
        alone=table.truth("alone", alone),
        compare=replace(_compare(table), stderr=table.truth("stderr", False)),
        timeout=table.number("timeout", CommandProbe.timeout),
    )
    if found.alone and found.stdin:
        raise UsageError(f"{table.where}: 'stdin' is for commands in the running service; use a shell's redirection")
    table.end()
    return found


def batch_probe(table: Table, nearby: Nearby) -> BatchProbe:
    """A [[batch]] table. Raises UsageError."""
    argv = table.words("run")
    found = BatchProbe(
        name=table.text("name") or ("the image's command" if argv is None else _shown(argv)),
        argv=argv,
        environment=table.pairs("environment"),
        mounts=mounts_of(table, "inputs", nearby),
        outputs=table.texts("outputs"),
        code=0 if (code := table.whole("code", 0, 255)) is None else code,
        compare=replace(_compare(table), stderr=table.truth("stderr", False)),
        timeout=table.number("timeout", BatchProbe.timeout),
    )
    for path in found.outputs:
        _absolute(path, table)
    table.end()
    return found


def file_probe(table: Table) -> FileProbe:
    """A [[file]] table. Raises UsageError."""
    path = _absolute(table.needed("path"), table)
    there = table.truth("there", True)
    found = FileProbe(
        name=table.text("name") or (path if there else f"no {path}"),
        path=path,
        there=there,
        contains=_patterns(table, "content"),
        excluded=_patterns(table, "no-content"),
        permissions=permissions(table.text("permissions"), table),
        uid=table.whole("uid"),
        gid=table.whole("gid"),
        executable_by=executable_by(table.text("executable-by"), table),
        compare=_compare(table),
    )
    table.end()
    return found


def url_path(table: Table, key: str) -> str:
    """A request target in origin form (RFC 9112, 3.2.1); raises UsageError."""
    found = table.needed(key)
    if not found.startswith("/") or not found.isascii() or re.search(r"[\x00-\x20\x7f]", found):
        raise UsageError(f"{table.where}: {key!r} should be such as /path?query, percent-encoded; is {found!r}")
    return found


def pattern(text: str | None, table: Table, key: str) -> str | None:
    """A regular expression; raises UsageError for one that is none."""
    if text is not None:
        try:
            re.compile(text)
        except re.error as error:
            raise UsageError(f"{table.where}: {key!r} is no regular expression: {error}: {text!r}") from None
    return text


def permissions(text: str | None, table: Table) -> str | None:
    """Permissions as `ls -l` or Go writes them; raises UsageError."""
    if text is not None and not _PERMISSIONS.fullmatch(text):
        raise UsageError(f"{table.where}: permissions should be such as '-rw-r--r--', are {text!r}")
    return text


def executable_by(text: str | None, table: Table) -> str | None:
    """owner, group, other or any; raises UsageError."""
    if text is not None and text not in _EXECUTABLE_BY:
        raise UsageError(f"{table.where}: who executes should be one of {', '.join(_EXECUTABLE_BY)}, is {text!r}")
    return text


def mounts_of(table: Table, key: str, nearby: Nearby) -> tuple[Mount, ...]:
    """A table of paths inside and what lies there: `{ "/data" = "testdata" }`. Raises UsageError."""
    return tuple(nearby.mount(source, target, table.where) for target, source in table.pairs(key).items())


def uniquely_named(probes: Sequence[Probe], where: str) -> tuple[Probe, ...]:
    """The same probes, later ones of the same name numbered; raises UsageError for a name that does not print."""
    seen: dict[str, int] = {}
    found = []
    for probe in probes:
        if not probe.name.isprintable():
            raise UsageError(f"{where}: the name {probe.name!r} does not print")
        count = seen[probe.name] = seen.get(probe.name, 0) + 1
        found.append(probe if count == 1 else replace(probe, name=f"{probe.name} ({count})"))
    return tuple(found)


def _body(table: Table, nearby: Nearby) -> tuple[bytes | None, str]:
    table.only_one_of("json", "body", "file", "form")
    table.only_one_of("json", "body", "file", "files")
    if (value := table.raw("json")) is not None:
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(), "application/json"
        except (TypeError, ValueError):
            raise UsageError(f"{table.where}: 'json' holds what JSON cannot (a date, nan); write it as text") from None
    if (text := table.text("body")) is not None:
        return text.encode(), "text/plain; charset=utf-8"
    if (path := table.text("file")) is not None:
        return nearby.read(path, table.where), media_type_of(path)
    form, files = table.pairs("form"), table.pairs("files")
    if files:
        parts = {
            name: Part(path.rpartition("/")[2], media_type_of(path), nearby.read(path, table.where))
            for name, path in files.items()
        }
        return multipart(form, parts)
    return urlencoded(form) if table.has("form") else (None, "")


def _compare(table: Table) -> Compare:
    ignore = table.texts("ignore")
    for part in ignore:
        if part not in _IGNORED_WHOLE and not (part.startswith(_IGNORED) and part.partition(":")[2]):
            said = ", ".join([*sorted(_IGNORED_WHOLE), *(f"{kind}…" for kind in _IGNORED)])
            raise UsageError(f"{table.where}: 'ignore' has {part!r}; it takes {said}")
        if part.startswith("line:"):
            pattern(part[5:], table, "ignore")
        if part.startswith("json:") and not part.startswith("json:/"):
            raise UsageError(f"{table.where}: {part!r} should be a JSON pointer, such as json:/items/*/id")
    if isinstance(table.raw("tolerance"), dict):
        inner = table.table("tolerance")
        assert inner is not None
        found = Compare(inner.number("relative", Compare.relative), inner.number("absolute", Compare.absolute), ignore)
        inner.end()
        return found
    return Compare(relative=table.number("tolerance", Compare.relative), ignore=ignore)


def _patterns(table: Table, key: str) -> tuple[str, ...]:
    found = table.texts(key)
    for text in found:
        pattern(text, table, key)
    return found


def _needed_words(table: Table, key: str) -> tuple[str, ...]:
    found = table.words(key)
    if not found:
        raise UsageError(f"{table.where}: {key!r} is missing: a list of words, or a text for the shell")
    return found


def _absolute(path: str, table: Table) -> str:
    if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise UsageError(f"{table.where}: {path!r} should be an absolute path inside the container")
    return path


def _shown(argv: tuple[str, ...]) -> str:
    words = argv[2:] if argv[:2] == ("/bin/sh", "-c") else argv
    text = " ".join(" ".join(words).split())
    return text if len(text) <= 60 else f"{text[:59]}…"
