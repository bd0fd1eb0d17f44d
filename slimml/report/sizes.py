"""Numbers as people read them: sizes in decimal units as docker shows them, counts with separators, shares."""

import humanize


def size(count: int) -> str:
    """`count` bytes in decimal units with about three digits: 812 B, 4.1 kB, 1.23 GB."""
    if abs(count) < 1000:
        return f"{count} B"
    digits = 2 if abs(count) >= 1_000_000_000 else 1
    return humanize.naturalsize(count, format=f"%.{digits}f")


def number(value: int) -> str:
    """A count with thousands separated."""
    return humanize.intcomma(value)


def share(part: int, whole: int) -> str:
    """`part` of `whole` in per cent; a dash when there is no whole."""
    if whole <= 0:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1 %"
    return f"{percent:.1f} %" if percent < 99.95 or part == whole else "99.9 %"


def counted(value: int, singular: str, plural: str | None = None) -> str:
    """`value` and its noun: 1 layer, 12 layers."""
    return f"{number(value)} {singular if value == 1 else plural or singular + 's'}"
