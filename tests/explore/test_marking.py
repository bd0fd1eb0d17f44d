"""Marks: made with keys, refused with a reason, weighed as a plan, written to a file."""

import json

from explored import inventory_of
from layered_image import file, hardlink, symlink


def owner_line(terminal, label):
    """How often to press ↓ in the list of owners."""
    inventory, owners = terminal.app.subject.inventory, terminal.app.subject.owners
    return [inventory.owners[one.owner].label for one in owners].index(label)


def test_a_marked_directory_is_weighed_at_once_and_then_as_a_plan(terminal):
    terminal.press("x")
    status = terminal.line("1 mark")
    assert "-50.0 kB of 201.9 kB on disk" in status
    assert "about" not in status
    assert terminal.app.marking.outcome.exact


def test_what_would_go_has_a_sign_of_its_own(terminal):
    terminal.press("b", "x", "left")
    assert "x+" in terminal.line("▾ root/")
    assert "x+" in terminal.line("entry")


def test_x_again_takes_the_mark_back(terminal):
    terminal.press("x", "up", "x")
    assert not terminal.line("1 mark")
    assert not terminal.app.marking.marks


def test_x_beneath_a_marked_directory_keeps_what_is_under_the_cursor(terminal):
    terminal.press("down", "space", "x", "x")
    marks = terminal.app.marking.marks
    assert (marks.paths, marks.keep) == ({"srv"}, {"srv/model.bin"})
    assert "x+" in terminal.line("app.py")
    assert "·~" in terminal.line("▾ srv/")


def test_what_is_protected_is_refused_with_its_reason(terminal):
    terminal.press("slash", *"passwd", "enter", "end", "x")
    assert "users, names and the system" in "".join(terminal.lines)
    assert not terminal.app.marking.marks


def test_an_essential_package_is_refused(terminal):
    terminal.press("2", *["down"] * owner_line(terminal, "dpkg:libc"), "x")
    assert terminal.line("dpkg marks it as essential")
    assert not terminal.app.marking.marks


def test_a_package_that_another_needs_stays_until_that_one_is_marked_too(terminal):
    terminal.press("2", *["down"] * owner_line(terminal, "dpkg:perl"), "x")
    assert terminal.line("dpkg:perl 1").startswith("!")
    assert terminal.app.marking.outcome.disk_bytes == 0
    terminal.press("home", *["down"] * owner_line(terminal, "dpkg:git"), "x")
    assert terminal.app.marking.outcome.refused == ()
    assert terminal.app.marking.outcome.disk_bytes > 18_000


def test_a_layer_cannot_be_marked(terminal):
    terminal.press("tab", "down", "x")
    assert terminal.line("mark paths, owners or findings")


def test_an_older_copy_of_a_path_is_left_to_its_finding(terminal):
    terminal.press("3")
    titles = [one.rule for one in terminal.app.marking.findings]
    terminal.press(*["down"] * titles.index("overwritten"), "enter", "x")
    assert "older copy" in "".join(terminal.lines)
    assert not terminal.app.marking.marks


def test_what_if_tells_what_would_lead_nowhere(terminal):
    terminal.press("b", "b", "x", "w")
    assert "/srv/latest" in terminal.line("would lead nowhere")


def test_what_if_tells_which_package_loses_files(terminal):
    terminal.resize(120, 40)
    terminal.press("slash", *"bin/perl", "enter", "end", "x", "w")
    assert "dpkg:perl loses 1 of its 2 files" in terminal.line("loses")
    assert "required by dpkg:git" in terminal.line("loses")


def test_marks_are_taken_back_in_what_if_and_it_closes_with_the_last(terminal):
    terminal.press("x", "x", "w", "x")
    assert terminal.line("What if this went")
    terminal.press("x")
    assert not terminal.line("What if this went")
    assert not terminal.app.marking.marks


def test_a_marked_rule_is_a_command_without_a_file(terminal):
    terminal.resize(140, 40)
    terminal.press("3", "x", "w")
    assert "slimml optimize oci:memory --level all --only pip-cache" in terminal.line("slimml optimize")


def test_what_slimml_only_tells_of_is_not_marked(explore):
    terminal = explore(inventory_of([file("app/.env", b"API_KEY=abcdefghijklmnop\n"), file("app/main.py", b"pass")]))
    terminal.press("3")
    told = [one.rule for one in terminal.app.marking.findings if one.action.value == "tell"]
    rules = [one.rule for one in terminal.app.marking.findings]
    terminal.press(*["down"] * rules.index(told[0]), "x")
    assert "only tells of it" in "".join(terminal.lines)


def test_marks_are_written_to_a_file_and_a_file_that_is_there_is_left_alone(terminal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marks.json").write_text("mine")
    terminal.press("x", "e", "enter")
    assert terminal.line("exists; name another file")
    terminal.press("backspace", *"other", "enter")
    assert json.loads((tmp_path / "other").read_text())["paths"] == ["/root"]
    assert (tmp_path / "marks.json").read_text() == "mine"


def test_content_that_a_link_needs_moves_to_it(explore):
    terminal = explore(inventory_of([file("a", b"1" * 5000), hardlink("b", "a"), symlink("c", "a")]))
    terminal.press("x")
    assert terminal.app.marking.outcome.disk_bytes == 0


def test_a_directory_of_an_owner_is_marked_without_the_files_of_others(terminal):
    terminal.press("2", *["down"] * owner_line(terminal, "dpkg:git"), "tab", "home", "x")
    assert terminal.app.marking.marks.paths == {"usr/bin/git"}


def test_a_filtered_directory_is_marked_without_what_the_filter_hides(terminal):
    terminal.press("slash", *"model", "enter", "home", "x")
    assert terminal.app.marking.marks.paths == {"srv/model.bin", "srv/model.copy"}


def test_files_marked_together_are_taken_back_together(terminal):
    terminal.press("slash", *"model", "enter", "home", "x", "up", "x")
    assert not terminal.app.marking.marks
