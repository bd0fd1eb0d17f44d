"""Keys that are pressed, and what stands on the screen then."""

import re
from pathlib import Path

import pytest
from explored import inventory_of
from layered_image import file

from slimml.explore.help import KEYS

LAYER_2 = ["tab", "down", "down", "down"]


def test_the_whole_image_is_shown_first_the_largest_directory_on_top(terminal):
    assert "whole image against layer 0" in terminal.lines[1]
    assert "▸ root/" in terminal.lines[3]


def test_layers_tell_their_bytes_what_could_go_and_their_command(terminal):
    assert terminal.line("RUN step 1").split()[:7] == ["1", "99.1", "kB", "99.1", "kB", "RUN", "step"]


def test_a_layer_is_chosen_with_the_arrows_and_its_removals_are_shown(terminal):
    terminal.press(*LAYER_2)
    assert "layer 2 against 0 to 1" in terminal.lines[1]
    assert " - " in terminal.line("▸ tmp/")


def test_ctrl_a_on_layers_shows_all_changes_and_ctrl_l_those_of_the_layer(terminal):
    terminal.press(*LAYER_2, "ctrl+a")
    assert "layers 0 to 2 against layer 0" in terminal.lines[1]
    terminal.press("ctrl+l")
    assert "layer 2 against 0 to 1" in terminal.lines[1]


def test_ctrl_u_hides_what_stayed_the_same_and_shows_it_again(terminal):
    terminal.press(*LAYER_2, "tab", "ctrl+u")
    assert not terminal.line("usr/")
    assert "without unmodified" in terminal.lines[1]
    terminal.press("ctrl+u")
    assert terminal.line("usr/")


def test_signs_are_hidden_and_shown_again(terminal):
    terminal.press(*LAYER_2, "tab", "ctrl+@")
    for key, name in (("ctrl+a", "app.py"), ("m", "  model.bin"), ("ctrl+r", "installer")):
        assert terminal.line(name)
        terminal.press(key)
        assert not terminal.line(name)
        terminal.press(key)
        assert terminal.line(name)


def test_space_opens_and_closes_a_directory(terminal):
    terminal.press("down", "space")
    assert terminal.line("app.py")
    terminal.press("space")
    assert not terminal.line("app.py")


def test_left_goes_to_the_directory_around_then_closes_it(terminal):
    terminal.press("down", "right", "right", "left")
    assert "│/srv " in terminal.line("│/") + " "
    terminal.press("left")
    assert terminal.line("▸ srv/")


def test_ctrl_space_opens_all_directories_and_closes_them(terminal):
    terminal.press("ctrl+@")
    assert terminal.line("installer")
    terminal.press("ctrl+@")
    assert not terminal.line("installer")


def test_a_tree_shows_modes_and_users_and_where_links_lead(terminal):
    terminal.resize(150, 30)
    terminal.press("down", "space")
    assert "-rwxr-xr-x 1000:0" in terminal.line("app.py")
    assert "→ /srv/model.bin" in terminal.line("latest")
    terminal.press("ctrl+b")
    assert "rwx" not in terminal.line("app.py")


def test_a_filter_holds_while_it_is_written_until_escape(terminal):
    terminal.press("ctrl+f", *"git", "full_stop")
    assert "/git./" in terminal.lines[1]
    assert terminal.line("git.list")
    assert not terminal.line("srv/")
    terminal.press("escape")
    assert terminal.line("srv/")


def test_a_filter_that_is_no_expression_leaves_the_tree_as_it_is(terminal):
    terminal.press("slash", *"app", "left_parenthesis")
    assert terminal.line("app.py")


def test_small_letters_of_a_filter_match_capitals_too_and_capitals_only_themselves(explore):
    terminal = explore(inventory_of([file("README"), file("other")]))
    terminal.press("slash", *"readme")
    assert terminal.line("README")
    terminal.press("escape", "slash", *"Readme")
    assert terminal.line("no path matches")


def test_s_sorts_by_name_and_the_cursor_stays_at_its_path(terminal):
    terminal.press("b", "b", "s")
    assert "by name" in terminal.lines[1]
    names = [name for line in terminal.lines if line.endswith("/") for name in line.split()[-1:] if "▸" in line]
    assert names == sorted(names)
    assert terminal.line("│/srv/model.bin")


def test_c_shows_compressed_bytes(terminal):
    terminal.press("c")
    assert "bytes compressed" in terminal.lines[1]


def test_b_goes_to_the_largest_file_then_to_the_next(terminal):
    terminal.press("b")
    assert terminal.line("│/root/.cache/pip/http-v2/a/b/entry")
    terminal.press("b")
    assert terminal.line("│/srv/model.bin")


def test_an_owner_shows_its_files(terminal):
    terminal.press("2")
    owners = [line.split("│")[0] for line in terminal.lines[3:16]]
    line = next(number for number, words in enumerate(owners) if "python:black" in words)
    terminal.press(*["down"] * line, "enter")
    assert "python:black" in terminal.lines[1]
    assert terminal.line("main.py")


def test_a_finding_tells_its_reason_and_fix_and_enter_goes_to_its_largest_file(terminal):
    terminal.resize(100, 40)
    terminal.press("3")
    left = "\n".join(line[:38] for line in terminal.lines)
    assert "[pip-cache]" in left
    assert "why " in left
    assert "fix " in left
    terminal.press("enter")
    assert terminal.line("│/root/.cache/pip/http-v2/a/b/entry")


def test_f_and_o_go_to_the_finding_and_the_owner_of_a_file(terminal):
    terminal.press("b", "f")
    assert "pip" in terminal.lines[1]
    assert terminal.line("│/root/.cache/pip/http-v2/a/b/entry")
    terminal.press("o")
    assert "application" in terminal.lines[1]
    assert terminal.line("│/root/.cache/pip/http-v2/a/b/entry")


def test_question_mark_lists_the_keys_and_escape_closes_them(terminal):
    terminal.resize(100, 60)
    terminal.press("question_mark")
    assert terminal.line("Ctrl+Space")
    terminal.press("escape")
    assert not terminal.line("Ctrl+Space")


def test_i_tells_all_of_an_entry(terminal):
    terminal.press("b", "i")
    assert terminal.line("[pip-cache], safe")


@pytest.mark.parametrize("size", [(80, 24), (80, 12), (120, 50)], ids=str)
def test_both_sides_fit(explore, inventory, size):
    lines = explore(inventory, *size).lines
    assert "1 Layers" in lines[1]
    assert "whole image" in lines[1]
    assert any("▸ srv/" in line for line in lines)


def test_a_narrow_terminal_shows_one_side_at_a_time(explore, inventory):
    terminal = explore(inventory, 50, 20)
    assert "whole image" in terminal.lines[1]
    assert "1 Layers" not in terminal.lines[1]
    terminal.press("tab")
    assert "1 Layers" in terminal.lines[1]


def test_the_mouse_opens_a_directory_and_chooses_a_tab_and_a_line(terminal):
    line = next(number for number, words in enumerate(terminal.lines) if "▸ srv/" in words)
    terminal.click(terminal.lines[line].index("▸"), line)
    assert terminal.line("app.py")
    terminal.click(14, 1)
    terminal.click(14, 4)
    assert terminal.lines[1].split("│")[1].strip() in terminal.lines[4]


def test_only_lines_that_are_seen_are_drawn(explore):
    terminal = explore(inventory_of([file(f"d/{number:05}", b"x" * (number % 7)) for number in range(3_000)]))
    view, drawn = terminal.app.right.view, []
    draw = view.pieces
    view.pieces = lambda line, width: drawn.append(line) or draw(line, width)
    terminal.press("end", "home", "pagedown")
    assert view.count == 3_001
    assert len(drawn) < 300


def test_q_leaves(terminal):
    terminal.press("q")
    assert terminal.app.return_code == 0


@pytest.mark.parametrize("layers", [[[]], [[], [file("a", b"1")], []]], ids=["empty", "with empty layers"])
def test_an_image_with_hardly_anything_is_shown(explore, layers):
    terminal = explore(inventory_of(*layers))
    terminal.press(
        "space", "b", "x", "o", "f", "i", "escape", "3", "enter", "2", "enter", "slash", "a", "escape", "s", "c"
    )
    assert "1 Layers" in terminal.lines[1]


@pytest.mark.parametrize("size", [(20, 6), (10, 3), (300, 100)], ids=str)
def test_a_terminal_of_any_size_will_do(explore, inventory, size):
    terminal = explore(inventory, *size)
    terminal.press("down", "space", "x", "tab", "down", "i", "escape", "w", "escape", "question_mark", "escape", "q")
    assert terminal.app.return_code == 0


def test_the_page_of_the_explorer_tells_every_key_of_the_help():
    page = (Path(__file__).parents[2] / "docs" / "explore.md").read_text("utf-8")
    told = set(re.findall(r"`([^`]+)`", page))
    listed = {key for _, keys in KEYS for names, _ in keys for key in re.split(r",? ", names)}
    assert listed - told == set()
