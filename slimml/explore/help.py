"""The keys, as the help screen lists them and docs/explore.md does."""

from rich.text import Text

from slimml.explore.colours import NUMBER, QUIET, SIGN, STRONG
from slimml.explore.scope import SIGNS, Sign

KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Everywhere",
        (
            ("Tab", "go to the other side"),
            ("1 2 3", "list layers, owners, findings"),
            ("Ctrl+F, /", "filter by a regular expression"),
            ("Esc", "take the filter away"),
            ("s, Ctrl+O", "sort by size or by name"),
            ("c", "show bytes on disk or compressed"),
            ("i", "all that is known of the line"),
            ("x, Del", "mark for removal, or unmark"),
            ("w", "what if: what the marks come to"),
            ("e", "write the marks to a file"),
            ("? F1", "this help"),
            ("q, Ctrl+C", "leave"),
        ),
    ),
    (
        "Lists",
        (
            ("↑ ↓, k j", "a line up or down"),
            ("PgUp PgDn, u d", "a page up or down"),
            ("Home End, g G", "the first or last line"),
            ("b", "the largest file, then the next one"),
        ),
    ),
    (
        "Layers",
        (
            ("Ctrl+A", "changes of all layers up to this one"),
            ("Ctrl+L", "changes of this layer"),
        ),
    ),
    ("Owners, findings", (("Enter", "go to the files, at the largest"),)),
    (
        "Tree",
        (
            ("Space, Enter", "open or close a directory"),
            ("→ ←, l h", "open, close, go to the directory around"),
            ("Ctrl+Space", "close or open all directories"),
            ("Ctrl+A, a", "show or hide what was added"),
            ("Ctrl+R, r", "show or hide what was removed"),
            ("Ctrl+M, m", "show or hide what was modified"),
            ("Ctrl+U, n", "show or hide what stayed the same"),
            ("Ctrl+B", "show or hide mode, user, kind, owner"),
            ("o", "the owner of the file"),
            ("f", "the finding that has the file"),
        ),
    ),
)
"""Sections of keys and what they do; those of dive where it has them"""

_MEANING = {
    Sign.ADDED: "added",
    Sign.MODIFIED: "modified, or something beneath it changed",
    Sign.REMOVED: "removed or hidden; layers still carry its bytes",
}


def help_text() -> Text:
    """The keys and signs."""
    text = Text()
    for title, keys in KEYS:
        text.append(f"{title}\n", STRONG)
        for key, does in keys:
            text.append(f"  {key:<16}", NUMBER)
            text.append(f"{does}\n")
    text.append("Signs\n", STRONG)
    for sign, meaning in _MEANING.items():
        text.append(f"  {SIGNS[sign]:<16}", SIGN[sign])
        text.append(f"{meaning}\n")
    text.append(f"  {'x  ·':<16}", NUMBER)
    text.append("all of it, or some of it, would go\n")
    text.append(
        "\nSizes of directories are sums of what is shown. In some terminals Ctrl+M is the same as Enter.", QUIET
    )
    return text
