"""Numbers that changed as people read them: +3.1 MB (+4.2 %), 1.20 s, 95.0 %."""

from __future__ import annotations

from slimml.gates.amount import Unit
from slimml.report.sizes import number, size


def signed_size(count: int) -> str:
    """A change in bytes with its sign; 0 as `0 B`."""
    return f"+{size(count)}" if count > 0 else size(count)


def signed(count: int) -> str:
    """A change in a count with its sign; 0 without."""
    return f"{count:+,d}" if count else "0"


def growth(before: int, after: int) -> str:
    """A change in bytes, with its share of what was."""
    return f"{signed_size(after - before)}{_share(before, after)}"


def told(value: float | None, unit: Unit) -> str:
    """A number in its unit; a dash where there is none."""
    if value is None:
        return "–"
    if unit is Unit.BYTES:
        return size(round(value))
    if unit is Unit.SECONDS:
        return seconds(value)
    if unit is Unit.SHARE:
        # What is not whole does not read as if it were.
        return "99.9 %" if 0.9995 <= value < 1 else f"{100 * value:.1f} %"
    if unit is Unit.FLAG:
        return "yes" if value else "no"
    return number(round(value))


def seconds(value: float) -> str:
    """A duration."""
    return f"{value * 1000:.0f} ms" if abs(value) < 1 else f"{value:.2f} s"


def told_change(before: float | None, after: float | None, unit: Unit) -> str:
    """From one number to another; empty where one is not known."""
    if before is None or after is None:
        return ""
    if unit is Unit.FLAG:
        return "" if before == after else f"{told(before, unit)} → {told(after, unit)}"
    if before == after:
        return "0"
    sign = "+" if after > before else ""
    if unit is Unit.SHARE:
        points = 100 * (after - before)
        return f"{points:+.1f} points" if abs(points) >= 0.05 else f"{points:+.1g} points"
    return f"{sign}{told(after - before, unit)}{_share(before, after)}"


def _share(before: float, after: float) -> str:
    if not before or before == after:
        return ""
    percent = 100 * (after - before) / before
    if abs(percent) < 0.05:
        return " (<0.1 %)"
    return f" ({percent:+.1f} %)"
