"""The waterfall: what is drawn is what was measured, in letters too, and two runs write the same bytes."""

import re

import pytest

from slimml.bench.waterfall import Bar, Group, Words, draw_waterfall
from slimml.errors import UsageError

pytest.importorskip("matplotlib")

PHASES = {"pull": 9.8, "create": 0.12, "start": 0.41, "ready": 2.1, "first answer": 0.04}
WORDS = Words("From pull to first answer", "1 Gbit/s, cold", "a machine")


def group(title="onnx-api", **phases):
    bars = (Bar("latest", PHASES, 12.1, 13.0), Bar("likely", PHASES | phases, 6.2, 6.6))
    return Group(title, bars, "2.0 times as quick")


def letters(path):
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text("utf-8"))


def test_every_phase_of_every_bar_is_told_in_letters(tmp_path):
    path = tmp_path / "waterfall.svg"
    draw_waterfall([group(pull=4.1)], WORDS, path)
    told = letters(path)
    assert {"9.80 s", "4.10 s", "2.10 s", "onnx-api", "latest", "likely", "2.0 times as quick"} <= set(told)
    assert told.count("create 0.12 s · start 0.41 s · first answer 40 ms") == 2


def test_totals_stand_with_their_intervals(tmp_path):
    path = tmp_path / "waterfall.svg"
    draw_waterfall([group()], WORDS, path)
    assert {"12.5 s (12.1–13.0)", "12.5 s (6.20–6.60)"} <= set(letters(path))


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_two_runs_write_the_same_bytes(tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        draw_waterfall([group()], WORDS, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_words_with_dollar_signs_are_no_formulas(tmp_path):
    path = tmp_path / "waterfall.svg"
    draw_waterfall([group("$x^2$ for $1")], WORDS, path)
    assert "$x^2$ for $1" in letters(path)


@pytest.mark.parametrize(("name", "groups"), [("a.pdf", [group()]), ("a.png", []), ("a.png", [Group("none", ())])])
def test_what_cannot_be_drawn_is_a_usage_error(tmp_path, name, groups):
    with pytest.raises(UsageError):
        draw_waterfall(groups, WORDS, tmp_path / name)
    assert not (tmp_path / name).exists()
