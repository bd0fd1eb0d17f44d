"""An answer taken apart: one value of its status, the headers that matter, body, output and files, less what its
probe ignores; and the names of those parts, as reports and `ignore` know them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from slimml.verify.contents import Content, read_content
from slimml.verify.values import Value, Where, pointer, without

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slimml.probes.answer import Answer
    from slimml.probes.probe import Compare

UNIMPORTANT_HEADERS = frozenset(
    {
        # those of one connection (RFC 9110, section 7.6.1)
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
        # when, by whom and over what it was answered; the length is that of the body, which is compared itself
        "date", "server", "via", "age", "content-length",
    }
)  # fmt: skip
_JSON = {"json", "ndjson", "events"}
_PICTURES = {"png", "jpeg"}


def take_apart(answer: Answer, rule: Compare) -> dict[str, Value]:
    """The answer as one value: `code`, `headers`, `body`, `stderr`, `files`."""
    headers = _headers(answer.headers)
    content = read_content(answer.body, headers.get("content-type", ""), encoding=headers.get("content-encoding", ""))
    names = [name for name in answer.files if not _is_ignored("file", name, rule)]
    everything: dict[str, Value] = {
        "code": answer.code,
        "headers": {name: text for name, text in headers.items() if not _is_ignored("header", name, rule)},
        "body": _kept(content, rule),
        "stderr": _kept(read_content(answer.errors), rule),
        "files": {name: _kept(read_content(answer.files[name], name=name), rule) for name in names},
    }
    left_out = {_WHOLE[word] for word in rule.ignore if word in _WHOLE}
    return {part: value for part, value in everything.items() if part not in left_out}


_WHOLE = {"body": "body", "stdout": "body", "stderr": "stderr", "code": "code", "status": "code"}


def _is_ignored(kind: str, name: str, rule: Compare) -> bool:
    patterns = (word.partition(":")[2] for word in rule.ignore if word.startswith(f"{kind}:"))
    if kind == "header":
        return any(fnmatchcase(name, pattern.lower()) for pattern in patterns)
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _kept(content: Content, rule: Compare) -> Value:
    """The content by its kind, less the members and lines that are ignored."""
    value = content.value
    if content.kind in _JSON:
        patterns = [word.partition(":")[2] for word in rule.ignore if word.startswith("json:")]
        value = without(value, frozenset(map(_steps, patterns)))
    elif content.kind == "text" and isinstance(value, list):
        forms = [re.compile(word.partition(":")[2]) for word in rule.ignore if word.startswith("line:")]
        value = [line for line in value if not any(form.search(str(line)) for form in forms)]
    return {content.kind: value}


def _steps(text: str) -> tuple[str, ...]:
    """A JSON Pointer's steps (RFC 6901, section 4)."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def _headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that matter, by name in small letters, their values in one form."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        if name.lower() not in UNIMPORTANT_HEADERS:
            found.setdefault(name.lower(), []).append(text.strip())
    kept = {}
    for name, texts in found.items():
        if name == "set-cookie":
            kept[name] = ", ".join(sorted(map(_cookie, texts)))
        elif name == "content-type":
            kept[name] = _media_type(texts[-1])
        elif name == "content-encoding":
            coding = ", ".join(texts).lower().replace("x-gzip", "gzip")
            kept.update({name: coding} if coding not in ("", "identity") else {})
        else:
            kept[name] = ", ".join(texts)
    return kept


def _cookie(text: str) -> str:
    """A cookie's name and how it is to be kept (RFC 6265, section 4.1), without its value and its time."""
    first, *attributes = (part.strip() for part in text.split(";"))
    kept = [one for one in attributes if not one.lower().startswith(("expires", "max-age"))]
    return "; ".join((first.partition("=")[0], *sorted(kept, key=str.lower)))


def _media_type(text: str) -> str:
    """A media type (RFC 9110, section 8.3.1) in small letters, its parameters in order."""
    essence, *parameters = (part.strip() for part in text.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters if parameter)
    kept = sorted(f"{name.lower()}={value.strip(chr(34))}" for name, _, value in pairs)
    return "; ".join((essence.lower(), *(one.lower() if one.startswith("charset=") else one for one in kept)))


def part_name(where: Where, *, http: bool) -> str:
    """The name of a place of what `take_apart` gives: `status`, `header:NAME`, `json:/POINTER`, `line:N`, `file:PATH`,
    `file:PATH#/POINTER`, `stderr:line:N`.
    """
    first, rest = where[0] if where else "", where[1:]
    if first == "code":
        return "status" if http else "code"
    if first == "headers":
        return f"header:{rest[0]}" if rest else "headers"
    if first == "files":
        inner = _inside(rest[1:]) if len(rest) > 1 else ""
        return f"file:{rest[0]}{'#' if inner else ''}{inner.removeprefix('json:')}" if rest else "files"
    if first == "stderr":
        inner = _inside(rest)
        return f"stderr:{inner}" if inner else "stderr"
    return _inside(rest) or ("body" if http else "stdout")


def _inside(steps: Sequence[str | int]) -> str:
    """The name of a place within a content, empty for all of it."""
    if len(steps) < 2:
        return "json:" if steps and steps[0] in _JSON and len(steps) == 1 else ""
    kind, inner = steps[0], tuple(steps[1:])
    if kind == "text":
        return f"line:{inner[0] + 1 if isinstance(inner[0], int) else inner[0]}"
    word = "json" if kind in _JSON else "image" if kind in _PICTURES else kind
    return f"{word}:{pointer(inner)}"
