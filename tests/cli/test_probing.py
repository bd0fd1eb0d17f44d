"""Which probes hold: the command line's, a file's, the settings', or a guess; slimml init without an engine."""

import json

import jsonschema
import pytest
from tiny_image import tiny

from slimml.cli.probing import suite_for
from slimml.cli.session import begin
from slimml.errors import UsageError
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.probes.read import read_suite
from slimml.report.json import schema_text

GIVEN = {"json": False, "quiet": False, "no_color": True, "debug": False}


@pytest.fixture
def reference(tmp_path):
    image = tiny({"x": b""}, config={"config": {"Cmd": ["uvicorn", "app:app"], "ExposedPorts": {"8000/tcp": {}}}})
    reference = f"oci:{tmp_path}/image:v1"
    write_image(image, parse_reference(reference))
    return reference


@pytest.fixture
def suite(reference, at_home):
    def chosen(**options):
        return suite_for(begin(GIVEN), open_image(parse_reference(reference)), **options)

    return chosen


def names(suite):
    return [probe.name for probe in suite.probes]


def test_without_a_word_the_probes_are_guessed_and_that_is_said(suite, capsys):
    assert suite().origin == "guessed"
    assert "slimml init" in capsys.readouterr().err


def test_the_settings_file_holds(suite, at_home):
    (at_home / "slimml.toml").write_text('[[probes.http]]\npath = "/a"\n')
    assert names(suite()) == ["GET /a"]


def test_a_settings_file_without_probes_is_passed_over(suite, at_home):
    (at_home / "slimml.toml").write_text("quiet = true\n")
    assert suite().origin == "guessed"


def test_a_named_file_wins_over_the_settings(suite, at_home):
    (at_home / "slimml.toml").write_text('[[probes.http]]\npath = "/a"\n')
    (at_home / "own.toml").write_text('[[http]]\npath = "/b"\n')
    assert names(suite(probes=at_home / "own.toml")) == ["GET /b"]


def test_the_command_line_wins_over_the_settings(suite, at_home):
    (at_home / "slimml.toml").write_text('[[probes.http]]\npath = "/a"\n')
    assert names(suite(requests=["/c"])) == ["GET /c"]


def test_the_command_line_adds_to_a_named_file(suite, at_home):
    (at_home / "own.toml").write_text('[[http]]\npath = "/b"\n')
    found = suite(probes=at_home / "own.toml", requests=["/c"], commands=["true"])
    assert (names(found), found.probes[2].alone) == (["GET /b", "GET /c", "true"], False)


def test_gpus_are_asked_for(suite):
    assert suite(requests=["/c"], gpus="all").resources.gpus == "all"


def test_an_image_of_which_nothing_is_known_needs_words(tmp_path, at_home):
    reference = parse_reference(f"oci:{tmp_path}/empty:v1")
    write_image(tiny({"x": b""}, config={"config": {}}), reference)
    with pytest.raises(UsageError, match="no probe could be guessed; say one with --probe"):
        suite_for(begin(GIVEN), open_image(reference))


def test_init_writes_a_file_that_is_read(slimml, reference, at_home):
    ended = slimml("init", reference, "--no-run")
    assert ended.code == 0, ended.err
    assert names(read_suite(at_home / "slimml.toml")) == ["GET /"]


def test_init_leaves_a_file_alone_that_is_there(slimml, reference, at_home):
    (at_home / "slimml.toml").write_text("quiet = true\n")
    ended = slimml("init", reference, "--no-run")
    assert (ended.code, (at_home / "slimml.toml").read_text()) == (7, "quiet = true\n")


def test_init_prints_a_document(slimml, tmp_path, at_home):
    reference = f"oci:{tmp_path}/batch:v1"
    write_image(tiny({"x": b""}, config={"config": {"Cmd": ["job"]}}), parse_reference(reference))
    ended = slimml("init", reference, "--no-run", "--json")
    jsonschema.validate(ended.json, json.loads(schema_text("init")))
    assert [probe["kind"] for probe in ended.json["probes"]] == ["batch"]
