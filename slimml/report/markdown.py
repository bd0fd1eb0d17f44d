"""Markdown as GitHub and GitLab render it (GFM): tables, code and folds in which texts of an image stay texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from slimml.report.untrusted import visible

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!@&$^]|:(?=\S))")


def plain(text: str) -> str:
    """`text` as it is: no markup, no HTML, nobody mentioned, no issue linked."""
    return _SPECIAL.sub(_escaped, visible(text))


def code(text: str) -> str:
    """`text` as code, in a table, too."""
    shown = visible(text)
    if shown and shown == shown.strip() and not set(shown) & {"`", "|"}:
        return f"`{shown}`"
    # What ends a span of code, or a cell, needs references, which a span does not know.
    return f"<code>{_SPECIAL.sub(lambda match: f'&#{ord(match[1])};', shown)}</code>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column whose heading begins with `>` holds numbers and is aligned to the right. Cells are Markdown
    already."""
    right = [column.startswith(">") for column in columns]
    lines = [
        _line([column.removeprefix(">") for column in columns]),
        _line(["---:" if one else "---" for one in right]),
        *(_line([unbroken(cell) if one else cell for cell, one in zip(row, right, strict=True)]) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def fold(summary: str, body: str) -> str:
    """What is shown when somebody asks for it. `summary` is HTML, `body` Markdown."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n</details>\n"


def unbroken(text: str) -> str:
    """A number and its unit, which no line end may part."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(match: re.Match[str]) -> str:
    mark = match[1]
    # A backslash before @ or # still lets GitHub link a user or an issue.
    return f"&#{ord(mark)};" if mark in "<>&@#|" else f"\\{mark}"
