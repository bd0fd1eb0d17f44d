"""The commands about Dockerfiles."""

import json

import jsonschema
import pytest

from slimml.report.json import schema_text

SLOPPY = """\
FROM python:3.11
# what it needs
RUN apt-get update
RUN apt-get install -y gcc
COPY . /app
WORKDIR /app
RUN pip install -r requirements.txt
CMD python app.py
"""


def conforms(found, name):
    jsonschema.validate(found, json.loads(schema_text(name)))


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "Dockerfile").write_text(SLOPPY)
    (directory / "requirements.txt").write_text("flask\n")
    (directory / "app.py").write_text("import flask\n")
    (directory / ".git").mkdir()
    (directory / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    monkeypatch.chdir(directory)
    return directory / "Dockerfile"


def test_lint_tells_lines_and_ends_with_11(slimml, recipe):
    ended = slimml("dockerfile", "lint", "--json")
    conforms(ended.json, "dockerfile-lint")
    found = {(one["rule"], one["line"]) for one in ended.json["findings"]}
    assert ended.code == 11
    assert {("apt-update-install", 3), ("pip-cache", 7), ("exec-form", 8)} <= found


def test_lint_may_be_told_never_to_fail(slimml, recipe):
    assert slimml("dockerfile", "lint", "--fail-on", "never").code == 0


def test_lint_of_a_tidy_file_ends_with_0(slimml, recipe):
    recipe.write_text(f"FROM python:3.11-slim@sha256:{'0' * 64}\nUSER 1000\n")
    ended = slimml("dockerfile", "lint")
    assert (ended.code, ended.out) == (0, "Dockerfile: nothing to say\n")


def test_sarif_names_rule_file_and_line(slimml, recipe):
    log = json.loads(slimml("dockerfile", "lint", "--sarif", "--only", "pip-cache").out)
    (result,) = log["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("pip-cache", "warning")
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("Dockerfile", 7)


def test_fix_writes_nothing_unless_told_to(slimml, recipe):
    ended = slimml("dockerfile", "fix", "--json")
    conforms(ended.json, "dockerfile-fix")
    assert ended.json["written"] == []
    assert recipe.read_text() == SLOPPY


def test_fix_in_place_writes_the_file_and_dockerignore(slimml, recipe):
    ended = slimml("dockerfile", "fix", "--in-place")
    assert ended.code == 0
    assert "# what it needs\nRUN apt-get update && \\\n    apt-get install -y gcc && \\\n" in recipe.read_text()
    assert recipe.with_name(".dockerignore").read_text() == ".git\n"
    assert slimml("dockerfile", "fix", "--diff").out == ""


def test_each_hunk_of_the_difference_says_its_rules(slimml, recipe):
    shown = slimml("dockerfile", "fix", "--diff", "--only", "pip-cache").out
    assert "@@ -4,5 +4,5 @@ pip-cache: pip keeps its cache (about 150.0 MB)\n" in shown


def test_the_difference_is_one_that_patch_takes(slimml, recipe):
    import subprocess

    shown = slimml("dockerfile", "fix", "--diff", "--level", "likely", "--skip", "dockerignore").out
    slimml("dockerfile", "fix", "--level", "likely", "--skip", "dockerignore", "-o", "expected")
    subprocess.run(["patch", "-p0", "-s", "Dockerfile"], input=shown, text=True, cwd=recipe.parent, check=True)
    assert recipe.read_text() == recipe.with_name("expected").read_text()


def test_explain_lists_rules_and_tells_of_one(slimml):
    conforms(slimml("dockerfile", "explain", "--json").json, "dockerfile-rules")
    assert "https://" in slimml("dockerfile", "explain", "multi-stage").out


def test_a_misspelt_rule_is_an_error(slimml, recipe):
    ended = slimml("dockerfile", "fix", "--only", "pip-cach")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "did you mean pip-cache?" in ended.err


def test_a_rule_that_only_tells_cannot_be_applied(slimml, recipe):
    assert slimml("dockerfile", "fix", "--only", "secrets").code == 2


def test_what_no_builder_takes_is_an_error_with_its_line(slimml, recipe):
    recipe.write_text("FROM a\nRUNN x\n")
    ended = slimml("dockerfile", "lint")
    assert ended.code == 2
    assert "Dockerfile: line 2" in ended.err


def test_a_file_that_is_not_there(slimml, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert slimml("dockerfile", "lint").code == 3


def test_bases_of_a_user_come_first(slimml, recipe, tmp_path):
    (tmp_path / "bases.toml").write_text(
        "[[base]]\nimage = 'example.org/ours'\ntag = 'full'\nsystem = 'debian'\nclean = true\n"
        "[[base.smaller]]\nto = 'small'\nsaves = 10\n"
    )
    recipe.write_text("FROM example.org/ours:full\nRUN echo\n")
    shown = slimml("dockerfile", "fix", "--diff", "--level", "likely", "--bases", str(tmp_path / "bases.toml")).out
    assert "+FROM example.org/ours:small\n" in shown


def test_bases_of_a_bad_form_are_an_error(slimml, recipe, tmp_path):
    (tmp_path / "bases.toml").write_text("[[base]]\ntag = 'x'\n")
    ended = slimml("dockerfile", "lint", "--bases", str(tmp_path / "bases.toml"))
    assert (ended.code, ended.err.count("\n")) == (2, 1)


def test_from_an_image_writes_a_dockerfile(slimml, sloppy):
    ended = slimml("dockerfile", "from", sloppy, "--json")
    conforms(ended.json, "dockerfile-from")
    assert "FROM" in ended.json["text"]
