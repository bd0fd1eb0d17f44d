"""`slimml check` and `slimml diff` as commands: exit codes, documents, files."""

import json
import xml.etree.ElementTree as ElementTree

import jsonschema
import pytest
from junitparser import JUnitXml
from sarif_pydantic import Sarif
from tiny_image import tiny

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image
from slimml.report.json import schema_text


def conforms(found, name):
    jsonschema.validate(found, json.loads(schema_text(name)))


@pytest.fixture
def budgets(at_home):
    def write(text):
        (at_home / "slimml.toml").write_text(text)
        return at_home / "slimml.toml"

    return write


MIXED = """\
[budgets]
size = "1 MB"
waste = 0
layers = { max = 1, severity = "warn" }
cold-start = "3 s"
compressed = "+5 %"
"""


def test_an_image_within_its_budgets_ends_with_0(slimml, lean, budgets):
    budgets('[budgets]\nsize = "1 MB"\n')
    ended = slimml("check", lean)
    assert (ended.code, "pass: 1 budget kept" in ended.out) == (0, True)


def test_an_image_over_a_budget_ends_with_12(slimml, sloppy, budgets):
    budgets(MIXED)
    ended = slimml("check", sloppy)
    assert ended.code == 12
    assert "fail: 1 of 5 budgets exceeded, 1 warning, 2 not checked" in ended.out


def test_a_warning_ends_with_0_unless_strict(slimml, sloppy, budgets):
    budgets('[budgets]\nlayers = { max = 1, severity = "warn" }\n')
    assert (slimml("check", sloppy).code, slimml("check", sloppy, "--strict").code) == (0, 12)


def test_json_is_what_the_schema_says(slimml, sloppy, lean, budgets):
    budgets(MIXED)
    alone, based = slimml("check", sloppy, "--json"), slimml("check", sloppy, "--against", lean, "--json")
    for ended in (alone, based):
        conforms(ended.json, "check")
    told = {one["name"]: one["status"] for one in based.json["budgets"]}
    assert told == {
        "size": "pass", "waste": "fail", "layers": "warn", "cold-start": "unchecked", "compressed": "fail",
    }  # fmt: skip
    assert (alone.json["difference"], based.json["status"]) == (None, "fail")


def test_without_budgets_there_is_nothing_to_check(slimml, lean):
    ended = slimml("check", lean)
    assert (ended.code, "no budget is set" in ended.err) == (2, True)


def test_a_bad_budget_is_one_line_with_file_and_key(slimml, lean, budgets):
    budgets("[budgets]\nsise = 1\n")
    ended = slimml("check", lean)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "slimml.toml: budgets.sise: no such budget; did you mean 'size'?" in ended.err


def test_budgets_do_not_disturb_other_commands(slimml, lean, budgets):
    budgets('[budgets]\nsize = "1 MB"\n')
    assert slimml("analyze", lean).code == 0


def test_budgets_of_pyproject(slimml, lean, at_home):
    (at_home / "pyproject.toml").write_text("[tool.slimml.budgets]\nlayers = 0\n")
    ended = slimml("check", lean, "--json")
    assert ended.code == 12
    assert ended.json["budgets"][0]["place"] == {"file": "pyproject.toml", "line": 2, "key": "layers"}


def test_budgets_of_another_file_take_the_place_of_the_settings(slimml, lean, budgets, tmp_path):
    budgets("[budgets]\nlayers = 0\n")
    (tmp_path / "base.toml").write_text("[budgets]\nlayers = 5\n")
    assert slimml("check", lean, "--budgets", tmp_path / "base.toml").code == 0
    assert slimml("check", lean, "--budgets", tmp_path / "none.toml").code == 3


def test_budgets_of_the_command_line_are_added(slimml, lean):
    assert slimml("check", lean, "--budget", "size=1MB").code == 0
    assert slimml("check", lean, "--budget", "size=1MB", "--budget", "root=false").code == 12


def test_the_rules_of_dive_are_read_beside(slimml, sloppy, lean, at_home):
    (at_home / ".dive-ci").write_text("rules:\n  lowestEfficiency: 0.99\n")
    assert (slimml("check", sloppy).code, slimml("check", lean).code) == (12, 0)


def test_the_rules_of_dive_may_be_named(slimml, lean, tmp_path):
    (tmp_path / "rules.yaml").write_text("rules:\n  highestWastedBytes: lots\n")
    ended = slimml("check", lean, "--dive-ci", tmp_path / "rules.yaml")
    assert (ended.code, "rules.yaml: highestWastedBytes should be bytes" in ended.err) == (2, True)


def test_an_image_is_held_against_times_of_bench(slimml, lean, sloppy, tmp_path):
    (tmp_path / "bench.json").write_text(slimml("bench", lean, "--measure", "size", "--json").out)
    ended = slimml("check", sloppy, "--budget", "pull=5s", "--bench", tmp_path / "bench.json", "--json")
    assert (ended.code, ended.json["budgets"][0]["status"]) == (0, "unchecked")


def test_markdown_begins_with_the_verdict(slimml, sloppy, lean, budgets, tmp_path):
    budgets(MIXED)
    slimml("check", sloppy, "--against", lean, "--markdown", tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text()
    assert text.startswith("## ❌ slimml check failed: 2 of 5 budgets exceeded, 1 warning, 1 not checked\n")
    assert "| ❌ fail | Waste | 0\N{NO-BREAK SPACE}B |" in text


def test_junit_is_read_by_another_reader(slimml, sloppy, budgets, tmp_path):
    budgets(MIXED)
    slimml("check", sloppy, "--junit", tmp_path / "a.xml")
    found = JUnitXml.fromfile(str(tmp_path / "a.xml"))
    assert (found.tests, found.failures, found.skipped, found.errors) == (5, 1, 2, 0)
    cases = [case for suite in found for case in suite]
    assert [case.name for case in cases if not case.is_passed and not case.is_skipped] == ["waste (at most 0 B)"]


def test_junit_counts_warnings_as_failures_where_strict(slimml, sloppy, budgets, tmp_path):
    budgets(MIXED)
    slimml("check", sloppy, "--strict", "--junit", tmp_path / "a.xml")
    found = JUnitXml.fromfile(str(tmp_path / "a.xml"))
    assert (found.tests, found.failures, found.skipped) == (5, 4, 0)


def test_sarif_is_read_by_another_reader(slimml, sloppy, budgets, tmp_path):
    budgets(MIXED)
    slimml("check", sloppy, "--sarif", tmp_path / "a.sarif")
    (run,) = Sarif.model_validate_json((tmp_path / "a.sarif").read_bytes()).runs
    told = [(one.rule_id, one.level.value, one.locations[0].physical_location) for one in run.results]
    places = [(rule, level, place.artifact_location.uri, place.region.start_line) for rule, level, place in told]
    assert places == [
        ("budget/waste", "error", "slimml.toml", 3),
        ("budget/layers", "warning", "slimml.toml", 4),
        ("budget/cold-start", "note", "slimml.toml", 5),
        ("budget/compressed", "note", "slimml.toml", 6),
    ]


@pytest.fixture
def hostile(tmp_path):
    """An image whose names would break out of tables, tags and terminals."""
    names = ["a|b`c", "<script>alert(1)</script>", "\x1b[31mred", "@everyone", "x\ny", "[a](http://b)", "\u202egpj"]
    config = {"config": {"Env": ["X=<img src=x onerror=1>|`"], "User": "a|b"}}
    reference = f"oci:{tmp_path}/hostile:v1"
    write_image(tiny({f"app/{name}": b"1" * 99 for name in names}, config=config), parse_reference(reference))
    return reference


def test_names_of_an_image_stay_names(slimml, lean, hostile, tmp_path):
    words = ["--budget", "size=1", "--markdown", tmp_path / "a.md", "--junit", tmp_path / "a.xml"]
    ended = slimml("check", hostile, "--against", lean, *words)
    text = (tmp_path / "a.md").read_text()
    assert ended.code == 12
    assert "<script" not in text.replace("`app/<script>alert(1)</script>`", "")
    assert "\x1b" not in text + ended.out
    ElementTree.parse(tmp_path / "a.xml")


def test_diff_sums_to_the_difference(slimml, sloppy, lean):
    found = slimml("diff", lean, sloppy, "--json").json
    conforms(found, "diff")
    grown = found["after"]["total"]["disk_bytes"] - found["before"]["total"]["disk_bytes"]
    for rows in ("layers", "owners", "parts"):
        assert sum(row["after"]["disk_bytes"] - row["before"]["disk_bytes"] for row in found[rows]) == grown


def test_diff_for_a_person(slimml, sloppy, lean, tmp_path):
    ended = slimml("diff", lean, sloppy, "--markdown", tmp_path / "a.md", "--top", "2")
    assert (ended.code, "hidden by upper layers" in ended.out) == (0, True)
    assert (tmp_path / "a.md").read_text().startswith("## slimml diff: +")


def test_diff_of_hostile_names_does_not_steer_the_terminal(slimml, lean, hostile):
    out = slimml("diff", lean, hostile).out
    assert ("\x1b" in out, "\\x1b[31mred" in out) == (False, True)
