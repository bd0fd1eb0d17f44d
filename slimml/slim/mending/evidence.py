"""What a failed probe says about missing files: words, modules, distributions and themes, line by line.

The text is the container's, so it may be anything: lines are cut, the whole is bounded, and nothing found in it is
more than a suspicion that a test confirms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.verify.verification import Verdict

if TYPE_CHECKING:
    from slimml.verify.verification import Verification

_LINE = 4_000
_TEXT = 1 << 20
_SHOWN = 160


@dataclass(frozen=True)
class Clues:
    """What one line mentions. `words` are names and paths as they stand, `modules` dotted names of Python,
    `distributions` names of Python distributions, `themes` keys of THEMES.

    `complains` says that the line tells of something that is not there, so that its everyday words may be names too.
    """

    line: str
    complains: bool
    words: tuple[str, ...]
    modules: tuple[str, ...]
    distributions: tuple[str, ...]
    themes: tuple[str, ...]


@dataclass(frozen=True)
class Theme:
    """A way of failing that names no file: `said` is looked for in a line, `globs` are the paths that it is about."""

    said: re.Pattern[str]
    globs: tuple[str, ...]


def _theme(said: str, *globs: str) -> Theme:
    return Theme(re.compile(said, re.IGNORECASE), globs)


THEMES = {
    "time zones": _theme(
        r"zoneinfo|tzdata|time.?zone|utc.?offset|pytz|dateutil\.tz|\btz\b|unknown local time",
        "**/zoneinfo",
        "**/zoneinfo/**",
        "**/tzdata/**",
        "**/pytz/**",
        "etc/localtime",
        "etc/timezone",
    ),
    "certificates": _theme(
        r"certificate|\bx509\b|\bssl\b|\btls\b|cacert|\bca.?(bundle|store|certs?)\b|trust(ed)? (anchor|store|root)",
        "etc/ssl/**",
        "etc/pki/**",
        "etc/ca-certificates/**",
        "etc/ca-certificates.conf",
        "usr/share/ca-certificates/**",
        "usr/local/share/ca-certificates/**",
        "usr/lib/ssl/**",
        "**/*.pem",
        "**/*.crt",
    ),
    "locales": _theme(
        r"\blocales?\b|setlocale|LC_ALL|UnicodeEncodeError|UnicodeDecodeError|'ascii' codec",
        "usr/lib/locale/**",
        "usr/share/locale/**",
        "usr/share/i18n/**",
        "usr/lib/python*/**/encodings/**",
    ),
    "encodings": _theme(
        r"unknown encoding|iconv|gconv|codecs?\b|conversion from .{1,80} not supported",
        "**/gconv/**",
        "**/encodings/**",
    ),
    "shared objects": _theme(
        r"shared (object|librar)|undefined symbol|GLIBC(XX)?_|symbol lookup|dlopen|version `|cannot load|ld\.so",
        "**/*.so",
        "**/*.so.*",
        "etc/ld.so.*",
    ),
    "names of hosts and users": _theme(
        r"name resolution|getaddrinfo|getpwuid|getpwnam|unknown user|no such user|nsswitch|libnss",
        "**/libnss*",
        "**/libresolv*",
        "etc/nsswitch.conf",
        "etc/passwd",
        "etc/group",
        "etc/services",
        "etc/protocols",
    ),
    "fonts": _theme(r"\bfonts?\b|fontconfig|truetype|cannot open resource", "**/fonts/**", "etc/fonts/**", "**/*.ttf"),
    "terminals": _theme(r"terminfo|\bTERM\b|curses", "**/terminfo/**"),
    "file types": _theme(r"mime|magic", "**/mime/**", "etc/mime.types", "**/magic*", "**/misc/magic*"),
    "metadata of distributions": _theme(
        r"importlib.?metadata|PackageNotFoundError|DistributionNotFound|entry.?points?\b|pkg_resources",
        "**/*.dist-info/**",
        "**/*.egg-info/**",
    ),
}

_REPLACED = re.compile(r"\\n| \| ")
_WORD = re.compile(r"[^\s'\"<>|*?,;(){}\[\]\\=`]{2,4096}")
_MODULE = re.compile(r"[A-Za-z_]\w{0,200}(?:\.[A-Za-z_]\w{0,200})+")
_NAMED_MODULES = (
    re.compile(r"No module named '?([\w.]{1,300})"),
    re.compile(r"import of '?([\w.]{1,300})'? halted"),
    re.compile(r"cannot import name '?\w{1,200}'? from (?:partially initialized module )?'?([\w.]{1,300})"),
    re.compile(r"Cannot find (?:module|package) '([^']{1,300})'"),
)
_IMPORTED_NAME = re.compile(
    r"cannot import name '?(\w{1,200})'? from (?:partially initialized module )?'?([\w.]{1,300})"
)
_FRAME = re.compile(r'\s*(?:File "[^"]{1,4096}", line \d|at .{1,4000}:\d+\)?$|Traceback )')
"""a step of a stack of calls: what it names is there"""
_COMPLAINT = re.compile(
    r"not? (?:be )?(?:found|exist|such)|n't (?:exist|find|open|load)|no module|no such|missing|cannot|can't|could not"
    r"|unable to|failed|error",
    re.IGNORECASE,
)
_DISTRIBUTIONS = (
    re.compile(r"No package metadata was found for ([\w.-]{1,200})"),
    re.compile(r"The '([A-Za-z0-9][\w.-]{0,200})[^']{0,200}' distribution was not found"),
    re.compile(r"PackageNotFoundError: ([\w.-]{1,200})"),
    re.compile(r"pip install ['\"]?([\w.-]{1,200})"),
)


def clues_in(lines: Iterable[str]) -> Iterator[Clues]:
    """The clues of each line; steps of stacks of calls are passed over."""
    for line in lines:
        if _FRAME.match(line):
            continue
        complains = _COMPLAINT.search(line) is not None
        words = tuple(dict.fromkeys(_trimmed(word) for word in _WORD.findall(line)))
        modules = [found for pattern in _NAMED_MODULES for found in pattern.findall(line)]
        modules += [f"{module}.{name}" for name, module in _IMPORTED_NAME.findall(line)]
        dotted = [found for found in _MODULE.findall(line) if found not in modules] if complains else []
        distributions = tuple(found for pattern in _DISTRIBUTIONS for found in pattern.findall(line))
        themes = tuple(name for name, theme in THEMES.items() if theme.said.search(line))
        yield Clues(line.strip(), complains, words, (*modules, *dotted), distributions, themes)


def texts_of(verification: Verification) -> list[str]:
    """What a failed verification said, the most telling first: failures, answers, what the service wrote."""
    found: list[str] = [verification.failure or ""]
    for row in verification.rows:
        if row.verdict is Verdict.SAME:
            continue
        found += [row.slim.failure or "", *row.slim.complaints, _text(row.slim.errors)]
        found += [f"{part.part}: {part.original} became {part.slim}" for part in row.differences]
        found += [_text(row.slim.body), *(f"{name}: {value}" for name, value in row.slim.headers)]
    if verification.asked is not None:
        found += [_text(verification.asked.stderr), _text(verification.asked.stdout)]
    return found


def lines_of(texts: Iterable[str]) -> list[str]:
    """Their lines, each once: the last first within a text, as errors stand at the end.

    What JSON writes for the end of a line ends one, and so does ` | `, with which failures quote lines.
    """
    found: dict[str, None] = {}
    for text in texts:
        for line in reversed(_REPLACED.sub("\n", text[-_TEXT:]).replace("\\/", "/").splitlines()):
            if line.strip():
                found[line[:_LINE]] = None
    return list(found)


def symptom(verification: Verification) -> str:
    """In one line: which probe failed, and what it said."""
    for row in verification.rows:
        if row.verdict is not Verdict.SAME:
            return f"probe {row.probe!r} failed without it: {_said(row.probe, verification)}"
    return f"it was never ready without it: {_cut(verification.failure or 'no reason was given')}"


def _said(probe: str, verification: Verification) -> str:
    row = next(row for row in verification.rows if row.probe == probe)
    told = _error_line(verification)
    if row.slim.failure or verification.failure:
        words = row.slim.failure or verification.failure or ""
        if told:  # the line that tells most stands for all that it said
            words = words.partition("; it said: ")[0]
        return _cut(f"{words} ({told})" if told and told not in words else words)
    if row.slim.complaints:
        return _cut("; ".join(row.slim.complaints) + (f" ({told})" if told else ""))
    part = row.differences[0] if row.differences else None
    what = f"{part.part} {part.original} became {part.slim}" if part else "another answer"
    return _cut(f"{what} ({told})" if told and told not in what else what)


_ERROR = re.compile(r"error|exception|no such file|not found|cannot|failed|missing", re.IGNORECASE)


def _error_line(verification: Verification) -> str:
    """The last line of what was written that tells of an error; empty where none does."""
    texts = [_text(row.slim.errors) for row in verification.rows if row.verdict is not Verdict.SAME]
    if verification.asked is not None:
        texts += [_text(verification.asked.stderr), _text(verification.asked.stdout)]
    for text in texts:
        for line in reversed(text.splitlines()[-200:]):
            if _ERROR.search(line):
                return line.strip()[:_SHOWN]
    return ""


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 2 * _SHOWN else f"{line[: 2 * _SHOWN]}…"


def _text(content: bytes) -> str:
    return content[-_TEXT:].decode("utf-8", "surrogateescape")


def _trimmed(word: str) -> str:
    """A word without the punctuation of its sentence."""
    return word.strip(":.!") if not word.startswith(".") else word.rstrip(":!")
