"""Reading sources: by syntax what the application says, by words what a module of a distribution may import."""

from pathlib import Path

import humanize
import pytest
import rich
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from slimml.usage.closure.module_source import read_module
from slimml.usage.closure.python_source import command_programs, read_source

REAL = [
    path
    for package in (humanize, rich, urllib3)
    for path in sorted(Path(package.__file__).parent.rglob("*.py"))
    if path.stat().st_size < 20_000
][::3]


@pytest.mark.parametrize("path", REAL, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_by_words_no_import_is_missed_that_the_syntax_shows(path):
    by_syntax, by_words = read_source(path.read_bytes()), read_module(path.read_bytes())
    assert by_syntax.imports - by_words.imports == set()
    assert {one for one in by_syntax.relative if one[1]} - by_words.relative == set()


SHAPES = {
    b"import a.b as c, d": {"a.b", "d"},
    b"if x: import a; import b": {"a", "b"},
    b"from a import (b,  # not (c)\n    d)": {"a", "a.b", "a.d"},
    b"from a \\\n    import b": {"a", "a.b"},
    b"def f():\r\n\tfrom a import *\r\n": {"a"},
}


@pytest.mark.parametrize(("source", "names"), SHAPES.items())
def test_imports_have_many_shapes(source, names):
    assert read_source(source).imports == names
    assert names <= read_module(source).imports


@pytest.mark.parametrize("argument", [b"name", b"'a.' + b", b"f'{a}'"])
def test_a_name_that_is_made_up_is_told(argument):
    source = b"importlib.import_module(" + argument + b")"
    assert read_source(source).makes_up
    assert read_module(source).makes_up


def test_a_relative_name_for_importlib_is_relative():
    source = b"from importlib import import_module\nimport_module('.sub', __name__)"
    assert (1, "sub") in read_source(source).relative
    assert (1, "sub") in read_module(source).relative


@given(st.binary(max_size=200))
def test_nothing_is_raised_for_any_bytes(content):
    read_source(content)
    read_module(content)


def test_a_source_that_nests_too_deeply_is_not_read():
    assert not read_source(b"(" * 5000).read


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        ("exec python3 app.py", ["python3"]),
        ("A=1 B=2 git log | head -1; ls", ["git", "head", "ls"]),
        ("cd /x && tool 'unfinished", ["cd", "tool"]),
        ("# a comment", []),
    ],
)
def test_the_programs_of_a_command_line(command, programs):
    assert list(command_programs(command)) == programs


@pytest.mark.timeout(5)
@pytest.mark.parametrize("unit", [b"from . ", b"from a import (\n", b".", b" ", b"import_module ", b"'a.", b";", b"("])
def test_a_hostile_module_takes_linear_time(unit):
    read_module(b"from " + unit * (200_000 // len(unit)))
