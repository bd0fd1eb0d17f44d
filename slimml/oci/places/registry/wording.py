"""Text that a server wrote, made fit for one line on a terminal."""

import json
import unicodedata

_LONGEST = 200


def shown(text: str, longest: int = _LONGEST) -> str:
    """`text` without control and formatting characters, on one line, at most `longest` characters."""
    kept = "".join(" " if c.isspace() else c for c in text[: 4 * longest] if c.isspace() or _printable(c))
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _printable(character: str) -> bool:
    return not unicodedata.category(character).startswith("C")


def complaint(body: bytes) -> str:
    """What a registry says in an error's body (distribution-spec, section Error Codes); "" when it says nothing."""
    try:
        document = json.loads(body)
        first = document["errors"][0]
        said = str(first.get("message") or first.get("code") or "")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return ""
    return shown(said)
