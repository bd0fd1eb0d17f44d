"""Figures and names as charts write them: short."""

from __future__ import annotations

_STEPS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B"))
_SHORT_COMMIT = 8
_FIGURES = {"disk_bytes": "on disk", "compressed_bytes": "compressed", "compressed_estimate": "compressed, estimated"}
_CACHES = {"dropped": "cold", "evicted": "cold files", "warm": "warm"}


def amount(value: float, unit: str) -> str:
    """A value in the unit of its metric: 1.2 GB, 350 ms, 12 s, 7."""
    if unit == "bytes":
        step, name = next(((step, name) for step, name in _STEPS if abs(value) >= step), _STEPS[-1])
        return f"{_digits(value / step)} {name}"
    if unit == "seconds":
        return f"{_digits(value * 1000)} ms" if 0 < abs(value) < 1 else f"{_digits(value)} s"
    return f"{value:.0%}".replace("%", " %") if unit == "share" else f"{value:,.0f}"


def _digits(value: float) -> str:
    """Three of them, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def label_of(metric: str) -> str:
    """What a legend calls a metric: `pull/1gbit/seconds` is `1gbit`, `start/dropped/cpu_seconds` `processor, cold`."""
    measure, *varied, figure = metric.split("/")
    if measure == "size":
        return _FIGURES.get(figure, figure)
    words = ", ".join(_CACHES.get(word, word) for word in varied)
    if figure == "seconds":
        return f"time, {words}" if measure == "start" else words or measure
    return f"processor, {words}" if figure == "cpu_seconds" else f"{figure}, {words}"


def short_commit(commit: str) -> str:
    """As much of a commit as people quote; a name that is no hash is cut as well."""
    return commit[:_SHORT_COMMIT] or "unknown commit"


def drawable(text: str) -> str:
    """A name out of a result as a picture can hold it: what does not print, which XML forbids too, is marked."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
