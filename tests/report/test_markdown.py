"""Texts of an image in Markdown: whatever they hold, a renderer shows them as they are."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from slimml.report.markdown import code, fold, plain, table
from slimml.report.untrusted import visible

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table")
SPECIAL = "ab |`\\<>&*_[]()!#@~$:/-\"'\n\x1b\u202e"
AWKWARD = st.text(alphabet=st.sampled_from(SPECIAL), max_size=30) | st.text(max_size=30)


class Page(HTMLParser):
    """The text of each cell, and all tags."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.cells, self.tags = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data


def rendered(*cells):
    page = Page(RENDERER.render(table(["one", "two", "three"], [cells])))
    return [cell.rstrip("\n") for cell in page.cells], set(page.tags)


@given(AWKWARD)
def test_code_shows_the_text_and_nothing_else(text):
    cells, tags = rendered("before", code(text), "after")
    assert [" ".join(cell.split()) for cell in cells] == ["before", " ".join(visible(text).split()), "after"]
    assert tags <= {"table", "thead", "tbody", "tr", "th", "td", "code"}


@given(AWKWARD)
def test_plain_text_stays_plain(text):
    cells, tags = rendered("before", plain(text), "after")
    assert [" ".join(cell.split()) for cell in cells] == ["before", " ".join(visible(text).split()), "after"]
    assert tags <= {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("text", ["@somebody", "#12", "<b>", "a@b.c"])
def test_nobody_is_mentioned_and_nothing_linked(text):
    assert not set("@#<") & set(plain(text).replace("&#", ""))


def test_numbers_are_not_parted():
    assert "| 1\N{NO-BREAK SPACE}MB |" in table([">size"], [["1 MB"]])


def test_a_fold_holds_markdown():
    page = Page(RENDERER.render(fold("more", table(["a"], [["b"]]))))
    assert page.tags[:2] == ["details", "summary"]
    assert "td" in page.tags
