"""`slimml analyze` on a real layout."""

import json

import jsonschema
import pytest

from slimml.report.json import schema_text


def test_the_report_names_what_could_go(slimml, sloppy):
    ended = slimml("analyze", sloppy)
    assert ended.code == 0
    assert {"pip-cache", "overwritten", "deleted"} <= set(ended.out.replace("[", " ").replace("]", " ").split())


@pytest.mark.parametrize("more", [(), ("--tree",), ("--layer", 1), ("--show", "pip-cache")])
def test_every_json_is_what_the_schema_says(slimml, sloppy, more):
    jsonschema.validate(slimml("analyze", sloppy, "--json", *more).json, json.loads(schema_text("analysis")))


def test_show_lists_every_path(slimml, sloppy):
    assert "root/.cache/pip/http-v2/a/b/entry" in slimml("analyze", sloppy, "--show", "pip-cache").out


def test_an_unknown_finding_is_answered_with_those_there_are(slimml, sloppy):
    ended = slimml("analyze", sloppy, "--show", "pipcache")
    assert (ended.code, "pip-cache" in ended.err) == (2, True)


def test_a_layer_that_is_not_there(slimml, sloppy):
    ended = slimml("analyze", sloppy, "--layer", 2)
    assert (ended.code, "layers 0 to 1" in ended.err) == (2, True)


def test_a_second_run_reads_no_layer(slimml, sloppy, tmp_path):
    first = slimml("analyze", sloppy, "--json").json
    for blob in (tmp_path / "layout" / "blobs" / "sha256").iterdir():
        if blob.stat().st_size > 10_000:
            blob.unlink()
    assert slimml("analyze", sloppy, "--json").json == first


def test_what_is_not_there(slimml, tmp_path):
    ended = slimml("analyze", f"oci:{tmp_path}/nowhere")
    assert (ended.code, ended.out, ended.err.count("\n")) == (3, "", 1)


def test_a_limit_can_be_lowered(slimml, sloppy):
    ended = slimml("analyze", sloppy, "--limit", "members=1")
    assert (ended.code, "--limit members=N" in ended.err) == (6, True)


def test_findings_point_to_the_lines_of_the_dockerfile(slimml, sloppy, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nRUN step 0\n\nRUN step 1\n")
    ended = slimml("analyze", sloppy, "--dockerfile", tmp_path / "Dockerfile")
    assert f"{tmp_path}/Dockerfile:4" in ended.out.replace("\n", "").replace(" ", "")


def test_lines_of_the_dockerfile_are_in_the_document(slimml, sloppy, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM base\nRUN step 1\n")
    found = slimml("analyze", sloppy, "--json", "--dockerfile", tmp_path / "Dockerfile").json
    jsonschema.validate(found, json.loads(schema_text("analysis")))
    assert [layer["made_by"] for layer in found["layers"]] == [
        {"line": 1, "inherited": True}, {"line": 2, "inherited": False},
    ]  # fmt: skip


def test_a_dockerfile_of_another_image_is_remarked(slimml, sloppy, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM base\nRUN other\n")
    assert "is it this image's?" in slimml("analyze", sloppy, "--dockerfile", tmp_path / "Dockerfile").err


def test_a_dockerfile_that_is_none_is_refused_with_its_line(slimml, sloppy, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM base\nRUNX other\n")
    ended = slimml("analyze", sloppy, "--dockerfile", tmp_path / "Dockerfile")
    assert (ended.code, ended.out, "Dockerfile: line 2: RUNX" in ended.err) == (2, "", True)
