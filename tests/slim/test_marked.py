"""Marks as findings, and in a file."""

import json

import jsonschema
import pytest
from explored import explored_image, inventory_of
from hypothesis import given
from hypothesis import strategies as st
from layered_image import file

from slimml.errors import Refused, SlimmlError, UsageError
from slimml.inventory.take import take_inventory
from slimml.report.json import schema_text
from slimml.slim.marked import Marks, glob_of, marked_findings, rows_at
from slimml.slim.marked_file import dump, parse
from slimml.slim.options import Level, Options, matcher
from slimml.slim.planning import make_plan


@pytest.fixture(scope="module")
def image():
    return take_inventory(explored_image())


def position(inventory, name):
    return next(number for number, owner in enumerate(inventory.owners) if owner.name == name)


def gone(inventory, marks):
    """The paths that a container sees no more by a plan for the marks."""
    marked = marked_findings(inventory, (), marks)
    plan = make_plan(inventory, marked.findings, Options(level=Level.ALL, keep=marks.globs))
    return {path for path, row in inventory.live.items() if plan.goes[row]}


def test_a_marked_directory_goes_with_all_beneath_it(image):
    assert gone(image, Marks(paths=frozenset({"root/.cache"}))) == {"root/.cache/pip/http-v2/a/b/entry"}


def test_a_kept_path_stays(image):
    marks = Marks(paths=frozenset({"srv"}), keep=frozenset({"srv/model.bin", "srv/model.copy"}))
    assert "srv/model.bin" not in gone(image, marks)
    assert "srv/app.py" in gone(image, marks)


def test_older_copies_of_a_marked_path_go_with_it(image):
    inventory = inventory_of([file("d/a", b"1")], [file("d/a", b"22")])
    marks = Marks(paths=frozenset({"d/a"}))
    plan = make_plan(inventory, marked_findings(inventory, (), marks).findings, Options(level=Level.ALL))
    assert plan.goes.tolist() == [True, True]


def test_a_package_goes_with_what_records_it(image):
    names = gone(image, Marks(packages=frozenset({position(image, "git")})))
    assert {"usr/bin/git", "var/lib/dpkg/info/git.list"} <= names


def test_a_package_that_is_needed_is_refused_by_name(image):
    marked = marked_findings(image, (), Marks(packages=frozenset({position(image, "perl")})))
    assert [(one.what, one.reason) for one in marked.refused] == [("dpkg:perl", "needed by dpkg:git")]


def test_protected_rows_are_refused_and_the_rest_goes():
    inventory = inventory_of([file("etc/passwd", b"root"), file("etc/motd", b"hello")])
    marked = marked_findings(inventory, (), Marks(paths=frozenset({"etc"})))
    assert [one.what for one in marked.refused] == ["/etc/passwd"]
    assert [inventory.paths[row] for row in marked.rows.nonzero()[0]] == ["etc/motd"]


def test_rows_of_a_path_are_those_and_no_others_that_begin_like_it():
    inventory = inventory_of([file("a/b", b"1"), file("a.b", b"1"), file("ab/c", b"1")])
    assert [inventory.paths[row] for row in rows_at(inventory, ["a"]).nonzero()[0]] == ["a/b"]


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_a_path_as_a_glob_means_this_path_alone(name):
    pattern = matcher([glob_of(f"d/{name}")])
    assert pattern.match(f"d/{name}")
    assert not pattern.match(f"d/{name}x")


def test_marks_come_back_out_of_their_file(image):
    marks = Marks(
        paths=frozenset({"srv/\udcff", "a b"}),
        packages=frozenset({position(image, "git")}),
        rules=frozenset({"pip-cache"}),
        keep=frozenset({"srv/x"}),
    )
    assert parse(dump(image, marks), image, "file") == marks


def test_a_file_is_what_the_schema_says(image):
    marks = Marks(
        paths=frozenset({"root/.cache"}),
        packages=frozenset({position(image, "git")}),
        rules=frozenset({"pip-cache"}),
        keep=frozenset({"srv"}),
    )
    document, schema = json.loads(dump(image, marks)), json.loads(schema_text("marks"))
    jsonschema.validate(document, schema)
    assert document["rules"] == ["pip-cache"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "rules": "pip-cache"}, schema)


def test_a_file_about_another_image_is_refused(image):
    other = inventory_of([file("a", b"1")])
    with pytest.raises(Refused, match="of another image"):
        parse(dump(other, Marks(paths=frozenset({"a"}))), image, "file")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("paths", ["relative"]),
        ("paths", ["/a/../b"]),
        ("paths", ["/"]),
        ("paths", "text"),
        ("keep", [1]),
        ("packages", [{"name": "nothing"}]),
        ("packages", "git"),
        ("packages", [[{}]]),
        ("rules", ["no-such-rule"]),
        ("schema", "slimml.marks/2"),
    ],
    ids=str,
)
def test_a_damaged_file_is_refused(image, member, value):
    document = json.loads(dump(image, Marks(paths=frozenset({"a"})))) | {member: value}
    with pytest.raises(UsageError):
        parse(json.dumps(document).encode(), image, "file")


@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(repr).map(str.encode))
def test_no_file_is_more_than_refused(image, data):
    with pytest.raises(SlimmlError):
        parse(data, image, "file")
