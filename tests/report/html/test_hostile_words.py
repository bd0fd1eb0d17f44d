"""Nothing that an image says can become a part of the page."""

import base64
import hashlib
import re

import pytest
from page_data import data_block, data_of

from slimml.report.build_analysis import analyse
from slimml.report.html.files import files_of
from slimml.report.html.page import Page, html_page
from slimml.report.html.shown import shown

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\u202egnp.exe",
    "bell\x07\x1b[31m",
    "\udcff\udcfe",
    "line\nend",
    "nul\x00",
    "{{script}}",
    "\u2028\u2066",
    "&lt;img src=x onerror=alert(1)&gt;",
]


@pytest.fixture(params=HOSTILE)
def word(request):
    return request.param


def page_of(inventory, row, word):
    found = inventory([row(f"{word}/{word}", 10)], commands=[word])
    return html_page(Page(word, analysis=analyse(found, []), files=files_of(found, [])))


def test_only_the_title_holds_words_and_they_are_escaped(inventory, row, word):
    plain = page_of(inventory, row, "plain").replace(b"<title>plain</title>", b"")
    title = re.search(rb"<title>(.*?)</title>", page_of(inventory, row, word))[0]
    page = page_of(inventory, row, word).replace(title, b"")
    assert page.replace(data_block(page).encode(), b"") == plain.replace(data_block(plain).encode(), b"")
    assert not re.search(rb"[<>\x00-\x1f]", title[7:-8])


def test_the_data_is_base64_and_nothing_else(inventory, row, word):
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", data_block(page_of(inventory, row, word)))


def test_every_word_of_the_data_prints(inventory, row, word):
    data = data_of(page_of(inventory, row, word))
    assert all(name.isprintable() for name in data.columns["names"])
    assert data.head["title"].isprintable()


def test_lines_of_commands_and_fixes_stay_lines():
    assert shown({"command": "a\nb\x1b", "path": "a\nb"}) == {"command": "a\nb\\x1b", "path": "a\\x0ab"}


def policy_of(page):
    return re.search(rb'Content-Security-Policy" content="([^"]+)"', page)[1].decode()


def hash_of(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(inventory, row):
    page = page_of(inventory, row, "plain")
    rules = dict(rule.strip().split(" ", 1) for rule in policy_of(page).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == hash_of(re.search(rb"<script>(.*)</script>\n</body>", page, re.S)[1])
    assert rules["style-src"] == hash_of(re.search(rb"<style>(.*?)</style>", page, re.S)[1])
    assert "unsafe" not in policy_of(page)


def test_the_templates_name_no_other_place(inventory, row):
    page = page_of(inventory, row, "plain")
    found = set(re.findall(rb"""(?:https?:)?//[a-z0-9.-]+\.[a-z]+[^\s"']*""", page))
    assert found == {b"http://www.w3.org/2000/svg'"[:-1]}


def test_the_same_image_makes_the_same_page(inventory, row):
    assert page_of(inventory, row, "plain") == page_of(inventory, row, "plain")
