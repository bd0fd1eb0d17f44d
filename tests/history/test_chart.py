"""Charts of trends: what is written, and that lines of two hosts never meet."""

import re

import pytest
from made_up import make_result, timed

from slimml.errors import AccessDenied, UsageError
from slimml.history.chart import MOST_LINES, draw_trends
from slimml.history.chart_words import amount, label_of
from slimml.history.trends import trends

pytest.importorskip("matplotlib")


def night(number, **changed):
    """Size, two pulls and a start; from night 10 on the start takes half as long again."""
    slow = 1.5 if number >= 10 else 1.0
    metrics = {
        "size/disk_bytes": 1_200_000_000,
        "pull/loopback/seconds": timed(5 + number % 3 * 0.01),
        "pull/1gbit/seconds": timed(9 + number % 3 * 0.01),
        "start/dropped/seconds": timed(slow * (2 + number % 3 * 0.01)),
    }
    return make_result(number, metrics, **changed)


@pytest.fixture
def drawn(tmp_path):
    """The text of the SVG of these results."""

    def draw(results, **more):
        draw_trends(trends(results), tmp_path / "chart.svg", **more)
        return (tmp_path / "chart.svg").read_text("utf-8")

    return draw


def words(svg):
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def test_there_is_a_panel_for_each_question(drawn):
    said = words(drawn([night(number) for number in range(1, 16)]))
    assert {"Size", "Cold pull", "Cold start"} <= set(said)


def test_a_panel_without_figures_is_left_out(drawn):
    assert "Cold pull" not in words(drawn([make_result(1)]))


def test_a_change_is_written_with_its_commit(drawn):
    said = words(drawn([night(number, commit=f"{number:02d}abcdef9999") for number in range(1, 16)]))
    assert "▲ +50 %  10abcdef" in said


def test_hosts_have_columns_of_their_own(drawn):
    said = words(drawn([night(1), night(2, host="other")]))
    assert [word for word in said if "suite 1" in word] == [
        "amd-epyc-2c-32g · docker 20.10 overlay2 · suite 1",
        "other · docker 20.10 overlay2 · suite 1",
    ]


def test_a_budget_is_drawn(drawn):
    assert "budget 3 s" in words(drawn([night(1)], budgets={"start/*/seconds": 3.0}))


def test_a_budget_far_above_is_told_in_words(drawn):
    assert "budget 300 s, far above" in words(drawn([night(1)], budgets={"start/*/seconds": 300.0}))


def test_a_bad_night_is_written_where_it_does_not_fit(drawn):
    nights = [night(number) for number in range(1, 16)]
    nights[4] = make_result(5, {"start/dropped/seconds": timed(40.0)})
    assert "↑ 40 s" in words(drawn(nights))


def test_nights_stand_at_their_dates(drawn):
    assert "2026-Nov" in words(drawn([night(number) for number in range(1, 16)]))


def test_runs_made_in_one_go_stand_at_their_commits(drawn):
    runs = [night(number, began=f"2026-11-01T03:{number:02d}:00Z", commit=f"{number:02d}abcdef9") for number in (1, 2)]
    assert {"01abcdef", "02abcdef"} <= set(words(drawn(runs)))


def test_names_are_drawn_as_they_are(drawn):
    assert "a$b$_c^d" in words(drawn([make_result(1, image="a$b$_c^d")]))


def test_what_does_not_print_leaves_the_picture_well_formed(drawn):
    from xml.dom.minidom import parseString

    parseString(drawn([make_result(1, image="a\x1b\x00b<c&", commit="\x07", host="h\x1f")]))


def test_two_drawings_are_the_same_to_the_byte(drawn):
    nights = [night(number) for number in range(1, 16)]
    assert drawn(nights) == drawn(nights)


def test_a_png_is_one(tmp_path):
    draw_trends(trends([make_result(1)]), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"\.png or \.svg"):
        draw_trends(trends([make_result(1)]), tmp_path / "chart.gif")


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="neither a size nor a pull"):
        draw_trends(trends([make_result(1, {"waste/safe_bytes": 1})]), tmp_path / "chart.png")


def test_too_many_lines_are_refused(tmp_path):
    results = [make_result(number, image=f"i{number}") for number in range(1, MOST_LINES + 2)]
    with pytest.raises(UsageError, match="too many for one picture"):
        draw_trends(trends(results), tmp_path / "chart.png")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(AccessDenied, match="cannot be written"):
        draw_trends(trends([make_result(1)]), tmp_path / "no" / "chart.png")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1_234_000_000, "bytes", "1.23 GB"),
        (512, "bytes", "512 B"),
        (999_900_000, "bytes", "1,000 MB"),
        (1234.5, "seconds", "1,234 s"),
        (0.35, "seconds", "350 ms"),
        (12.34, "seconds", "12.3 s"),
        (0, "seconds", "0 s"),
        (1234, "count", "1,234"),
        (0.97, "share", "97 %"),
    ],
)
def test_amounts_are_short(value, unit, text):
    assert amount(value, unit) == text


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        ("size/disk_bytes", "on disk"),
        ("pull/100mbit+10ms/seconds", "100mbit+10ms"),
        ("start/dropped/seconds", "time, cold"),
        ("start/dropped/cpu_seconds", "processor, cold"),
    ],
)
def test_labels_are_short(metric, label):
    assert label_of(metric) == label
