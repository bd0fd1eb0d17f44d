"""The page of the commands names every command and every option."""

from pathlib import Path

import pytest
import typer

from slimml.cli.main import make_app

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
COMMANDS = typer.main.get_command(make_app()).commands


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_its_section(name):
    assert f"\n## slimml {name}" in PAGE


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (name, parameter.opts[0])
        for name in sorted(COMMANDS)
        for parameter in COMMANDS[name].params
        if parameter.opts[0].startswith("-")
    ],
)
def test_an_option_is_described(command, option):
    assert f"`{option}" in PAGE


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_first_line_of_help_fits_in_80_columns(name):
    assert len(COMMANDS[name].help.splitlines()[0]) <= 66
