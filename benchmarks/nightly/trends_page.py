"""The page for browsers on which trends are drawn: sizes, pulls, starts and their processor time."""

from collections.abc import Iterable

from slimml.history.metrics import chosen
from slimml.history.trends import Trend
from slimml.report.html.page import Page, html_page
from slimml.report.html.trends import trend_lines

SHOWN = ["size/disk_bytes", "size/compressed_*", "pull/*/seconds", "start/*/seconds", "start/*/cpu_seconds"]


def trends_page(title: str, trends: Iterable[Trend]) -> bytes:
    """The whole page."""
    return html_page(Page(title=title, trends=trend_lines(one for one in trends if chosen([one.metric.name], SHOWN))))
