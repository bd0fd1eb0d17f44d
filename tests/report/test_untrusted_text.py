"""No text out of an image steers a terminal (attack 18 of the hostile images)."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimml.report.console import console
from slimml.report.untrusted import visible, well_formed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("usr/lib/x.so", "usr/lib/x.so"),
        ("modèle été 模型", "modèle été 模型"),
        ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
        ("a\nb\tc\r", r"a\x0ab\x09c\x0d"),
        ("\x9b31m", r"\x9b31m"),
        ("x\x7f", r"x\x7f"),
        ("exe.\u202etxt", r"exe.\u202etxt"),
        ("a\u2028b", r"a\u2028b"),
        ("\udcff\udc80", r"\xff\x80"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_does_not_print_is_escaped(text, shown):
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_visible_text_is_one_line_that_prints(text):
    assert visible(text).isprintable()


@given(st.text(st.characters()))
def test_well_formed_text_is_utf8(text):
    well_formed(text).encode("utf-8")


def test_well_formed_keeps_what_json_can_escape():
    assert json.loads(json.dumps(well_formed("\x1b[2J\n é"))) == "\x1b[2J\n é"


def test_markup_in_a_path_is_text():
    stream = io.StringIO()
    console(stream, color=True).print("[bold red]x[/] :smile: [link=http://x]y[/link]")
    assert stream.getvalue() == "[bold red]x[/] :smile: [link=http://x]y[/link]\n"
