"""`slimml optimize --marked`: what was marked in the explorer goes, and nothing else."""

import pytest

from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image
from slimml.slim.marked import Marks
from slimml.slim.marked_file import dump


@pytest.fixture
def marks(sloppy, at_home):
    """Writes marks of `sloppy` to a file."""

    def write(**members):
        inventory = take_inventory(open_image(parse_reference(sloppy)))
        file = at_home / "marks.json"
        file.write_bytes(dump(inventory, Marks(**{name: frozenset(those) for name, those in members.items()})))
        return file

    return write


def paths_of(reference):
    return set(take_inventory(open_image(parse_reference(reference))).live)


def test_marked_paths_go_and_nothing_else(slimml, sloppy, marks, tmp_path):
    file, new = marks(paths=["app/model.bin"]), f"oci:{tmp_path}/new:v1"
    ended = slimml("optimize", sloppy, "--marked", file, "--yes", "-o", new)
    assert ended.code == 0, ended.err
    assert paths_of(sloppy) - paths_of(new) == {"app/model.bin"}


def test_marked_rules_go_with_marked_paths_and_kept_paths_stay(slimml, sloppy, marks, tmp_path):
    file = marks(paths=["app"], rules=["pip-cache"], keep=["app/main.py"])
    ended = slimml("optimize", sloppy, "--marked", file, "--yes", "-o", f"oci:{tmp_path}/new:v1")
    assert ended.code == 0, ended.err
    gone = paths_of(sloppy) - paths_of(f"oci:{tmp_path}/new:v1")
    assert gone == {"app/model.bin", "root/.cache/pip/http-v2/a/b/entry"}


def test_the_plan_names_the_rule(slimml, sloppy, marks):
    plan = slimml("optimize", sloppy, "--marked", marks(paths=["app/model.bin"]), "--dry-run", "--json").json["plan"]
    assert "marked" in {step["rule"] for step in plan["steps"]}


def test_what_is_protected_is_remarked_and_stays(slimml, sloppy, marks):
    ended = slimml("optimize", sloppy, "--marked", marks(paths=["etc/passwd"]), "--dry-run")
    assert ended.code == 0
    assert "/etc/passwd stays" in ended.err
    assert "nothing to remove" in ended.out


@pytest.mark.parametrize("words", [["--level", "likely"], ["--only", "pip-cache"]], ids=str)
def test_what_also_says_what_goes_is_refused(slimml, sloppy, marks, words):
    ended = slimml("optimize", sloppy, "--marked", marks(paths=["app"]), *words)
    assert (ended.code, ended.err.count("\n")) == (2, 1)


def test_a_file_of_another_image_is_refused(slimml, lean, marks):
    ended = slimml("optimize", lean, "--marked", marks(paths=["app"]))
    assert (ended.code, "another image" in ended.err) == (7, True)


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff"], ids=str)
def test_a_file_that_is_none_is_an_error_in_one_line(slimml, sloppy, at_home, content):
    file = at_home / "marks.json"
    if content is not None:
        file.write_bytes(content)
    ended = slimml("optimize", sloppy, "--marked", file)
    assert (ended.code, ended.err.count("\n")) == (3 if content is None else 2, 1)
