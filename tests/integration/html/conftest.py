"""One Chromium for all tests of pages; the accessibility checker axe-core, from npm."""

import sys
from pathlib import Path

import pytest
from engines import missing
from headless_chromium import Page, chromium, find_chromium
from sample_page import whole_page

from slimml.report.html.page import html_page

AXE = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def browser():
    """A running Chromium."""
    if find_chromium() is None:
        missing("no chromium is installed (Debian package chromium)")
    with chromium() as found:
        yield found


@pytest.fixture
def tab(browser):
    """A new tab, and nothing told before."""
    browser.events.clear()
    page = Page(browser)
    yield page
    browser.ask("Target.closeTarget", targetId=page.target)


@pytest.fixture(scope="session")
def axe():
    """The checker's script."""
    if not AXE.exists():
        missing("axe-core is not there: npm install --prefix .venv/axe --no-save axe-core@4")
    return AXE.read_text("utf-8")


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A page with every section, of 2,000 files."""
    path = tmp_path_factory.mktemp("page") / "whole.html"
    path.write_bytes(html_page(whole_page(2_000)))
    return path
