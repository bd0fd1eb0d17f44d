"""Hunks know the rules that made them, and are what patch(1) reads."""

from slimml.dockerfile.hunks import Trail, diff_text

LINES = "".join(f"line {number}\n" for number in range(20))


def test_a_hunk_names_the_rules_of_its_lines_alone():
    trail = Trail(LINES)
    trail.step(LINES.replace("line 2\n", "line two\n"), ["one"])
    trail.step(LINES.replace("line 2\n", "line two\n").replace("line 15\n", ""), ["other"])
    assert [hunk.rules for hunk in trail.hunks()] == [("one",), ("other",)]


def test_a_line_that_two_rules_changed_names_both():
    trail = Trail("a\n")
    trail.step("b\n", ["one"])
    trail.step("c\n", ["other"])
    assert [hunk.rules for hunk in trail.hunks()] == [("one", "other")]


def test_what_was_changed_back_is_no_hunk():
    trail = Trail("a\n")
    trail.step("b\n", ["one"])
    trail.step("a\n", ["other"])
    assert trail.hunks() == []


def test_reasons_stand_behind_the_header():
    trail = Trail("a\nb")
    trail.step("a\nc", ["one"])
    assert diff_text(trail.hunks(), "old", "new", {"one": "one: why"}) == (
        "--- old\n+++ new\n@@ -1,2 +1,2 @@ one: why\n a\n-b\n\\ No newline at end of file\n"
        "+c\n\\ No newline at end of file\n"
    )


def test_nothing_changed_is_no_text():
    assert diff_text(Trail(LINES).hunks(), "old", "new", {}) == ""
