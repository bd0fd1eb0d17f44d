"""Pages of big images: small files, soon ready, few elements."""

import pytest
from sample_page import whole_page

from slimml.report.html.page import html_page

SOON = 1500
"""milliseconds from opening the file to a drawn map that answers"""
TRIES = 5


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """Pages by their number of files, each written once."""
    place, made = tmp_path_factory.mktemp("big"), {}

    def find(count):
        if count not in made:
            made[count] = place / f"{count}.html"
            made[count].write_bytes(html_page(whole_page(count)))
        return made[count]

    return find


@pytest.mark.parametrize("count", [30_000, 200_000])
def test_it_is_below_five_megabytes(page_of, count):
    assert page_of(count).stat().st_size < 5_000_000


def test_thirty_thousand_files_are_soon_ready(tab, page_of):
    # The quickest of some: what else this machine does is not the page's.
    assert min(tab.open(page_of(30_000)) for _ in range(TRIES)) < SOON


def test_two_hundred_thousand_files_are_shown_and_looked_into(tab, page_of):
    tab.open(page_of(200_000))
    assert tab.run("document.querySelector('.told').textContent").count("200,000") == 1
    tab.run("document.querySelector('canvas.map').focus()")
    tab.press("ArrowRight", "Enter")
    assert tab.run("document.querySelectorAll('.crumbs li').length") == 2
    assert tab.complaints() == []


@pytest.mark.parametrize("count", [30_000, 200_000])
def test_the_page_has_few_elements(tab, page_of, count):
    tab.open(page_of(count))
    assert tab.run("document.querySelectorAll('*').length") < 3_000
