"""Names that are made to steer terminals or to be taken for markup."""

import pytest
from explored import inventory_of
from layered_image import file, symlink
from tiny_image import tiny

from slimml.inventory.take import take_inventory

HOSTILE = {
    "\x1b[31mred\x1b]0;title\x07": "\\x1b[31mred\\x1b]0;title\\x07",
    "[red]markup[bold": "[red]markup[bold",
    "[@click=app.quit]press": "[@click=app.quit]press",
    "two\nlines": "two\\x0alines",
    "\u202egnp.exe": "\\u202egnp.exe",
    "\u200bnothing": "\\u200bnothing",
    "\udcff\udcfe": "\\xff\\xfe",
}


def test_hostile_names_are_shown_and_harmless_wherever_they_stand(explore):
    terminal = explore(inventory_of([file(name, b"1" * 5000) for name in HOSTILE]), 140, 40)
    texts = list(terminal.texts[0])
    for name in HOSTILE.values():
        assert terminal.line(name)
    for _ in HOSTILE:
        terminal.press("i")
        texts += terminal.texts[0]
        terminal.press("escape", "x")
    terminal.press("w")
    texts += terminal.texts[0]
    assert [text for text in texts if not text.isprintable()] == []


def test_hostile_directories_and_links_are_harmless(explore):
    items = [file("\x1b[2Jd/a", b"11"), symlink("l", "\x1b[2J[b]"), file("d2/\x9b31m", b"1")]
    terminal = explore(inventory_of(items), 140, 40)
    terminal.press("ctrl+@", "down", "i")
    texts = terminal.texts[0]
    assert [text for text in texts if not text.isprintable()] == []
    assert any("\\x1b[2J" in text for text in texts)


def test_a_hostile_build_step_is_harmless(explore):
    steps = {"history": [{"created_by": "RUN \x1b[2J[red]x\u202e"}]}
    terminal = explore(take_inventory(tiny({"a": b"1"}, config=steps)))
    terminal.press("tab", "down", "i")
    assert [text for text in terminal.texts[0] if not text.isprintable()] == []


@pytest.mark.parametrize(
    "name", ["n" * 250, "模型" * 40, "e\u0301" * 60, "\U0001f468\u200d\U0001f469" * 10], ids=range(4)
)
def test_every_line_has_the_cells_of_the_screen(explore, name):
    terminal = explore(inventory_of([file(name, b"1")]), 80, 24)
    assert set(terminal.texts[1]) == {80}
