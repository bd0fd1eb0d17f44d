"""The page put together: templates, the packed data, and a policy that lets nothing else in.

Nothing of an image is ever HTML or script in it: all words travel deflated in base64, and the script writes them as
text nodes. The Content-Security-Policy (W3C, CSP level 3) allows this very style and script by their hashes, no network
and no other source; Trusted Types (W3C) forbid the script to make HTML of words.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

from slimml import __version__
from slimml.report.html.packing import pack
from slimml.report.html.shown import shown
from slimml.report.html.startup import StartTree, start_part
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.report.analysis import AnalysisReport
    from slimml.report.html.done import DonePart
    from slimml.report.html.files import Files
    from slimml.report.html.trends import TrendLine

_SCRIPTS = (
    "data", "words", "elements", "names", "tree", "squarify", "paint", "neighbours", "map", "contents", "head",
    "layers", "findings", "done", "ledger", "bars", "waiting", "icicle", "trends", "main",
)  # fmt: skip
"""in the order in which they need each other"""


@dataclass(frozen=True)
class Page:
    """What a page shows; a part that is None or empty is left out. `files` go with `analysis`, `done` with both.

    `waiting` comes from `waiting_part`.
    """

    title: str
    analysis: AnalysisReport | None = None
    files: Files | None = None
    done: DonePart | None = None
    waiting: Mapping[str, Any] | None = None
    startup: tuple[StartTree, ...] = ()
    trends: tuple[TrendLine, ...] = ()


def html_page(page: Page) -> bytes:
    """The page as one HTML file, UTF-8, the same for the same values."""
    head: dict[str, Any] = {"version": __version__, "title": visible(page.title)}
    numbers: dict[str, NDArray[Any]] = {}
    words: dict[str, Sequence[str]] = {}
    if page.analysis is not None:
        head["analysis"] = shown(page.analysis)
    if page.files is not None:
        head["files"] = page.files.head
        numbers |= page.files.numbers
        words |= page.files.words
    if page.done is not None:
        head["done"] = page.done.head
        numbers |= page.done.numbers
    if page.waiting is not None:
        head["waiting"] = page.waiting
    if page.startup:
        head["startup"] = start_part(page.startup)
    if page.trends:
        head["trends"] = shown(page.trends)
    return _filled(page.title, pack(head, numbers, words))


def _filled(title: str, packed: bytes) -> bytes:
    style, script = _asset("page.css"), _script()
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    template = _asset("page.html")
    parts = {
        "policy": policy,
        "title": escape(visible(title)),
        "style": style,
        "data": base64.b64encode(packed).decode(),
        "script": script,
    }
    # One pass over the template: what is filled in is never looked at again, whatever stands in it.
    pieces = template.split("{{")
    found = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        found += [parts[name], rest]
    return "".join(found).encode()


@cache
def _script() -> str:
    return "\n".join(["'use strict';", *(_asset(f"{name}.js") for name in _SCRIPTS)])


def _asset(name: str) -> str:
    return (resources.files("slimml.report.html") / "assets" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
