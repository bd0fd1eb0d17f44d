"""`slimml restore`: what was removed comes back, from wherever it was kept."""

import json

import jsonschema
import pytest

from slimml.report.json import schema_text

CACHED = "/root/.cache/pip/http-v2/a/b/entry"


@pytest.fixture(params=["oci:{}/out:v1", "oci-archive:{}/out.tar:v1", "docker-archive:{}/out.tar:app:v1"])
def slimmed(request, slimml, sloppy, tmp_path):
    """A slimmed image in each kind of place, what was removed kept."""
    reference = request.param.format(tmp_path)
    assert slimml("optimize", sloppy, "-o", reference, "--keep-removed", "--yes").code == 0
    return reference


def live_files(slimml, reference):
    return slimml("analyze", reference, "--json").json["image"]["live_files"]


def test_everything_comes_back(slimml, slimmed, sloppy, tmp_path):
    ended = slimml("restore", slimmed, "-o", f"oci:{tmp_path}/back:v1", "--json")
    jsonschema.validate(ended.json, json.loads(schema_text("restore")))
    assert CACHED in ended.json["paths"]
    assert live_files(slimml, f"oci:{tmp_path}/back:v1") == live_files(slimml, sloppy)


@pytest.mark.parametrize("path", [CACHED, CACHED[1:], "/root/.cache", "/root/**"])
def test_some_paths_come_back(slimml, sloppy, path):
    slimml("optimize", sloppy, "--keep-removed", "--yes")
    assert CACHED in slimml("restore", f"{sloppy}-slim", path, "--json").json["paths"]


def test_the_default_is_the_name_with_restored(slimml, slimmed):
    found = slimml("restore", slimmed, "--json").json["result"]["reference"]
    assert found == slimmed.replace("out.tar", "out-restored.tar").replace("v1", "v1-restored")


def test_files_can_be_named(slimml, slimmed, tmp_path):
    if "archive" not in slimmed:
        pytest.skip("only an archive has files beside it")
    for kind in ("ledger.json", "removed.tar.zst"):
        (tmp_path / f"out.tar.{kind}").rename(tmp_path / kind)
    assert slimml("restore", slimmed).code == 3
    words = ("--ledger", tmp_path / "ledger.json", "--removed", tmp_path / "removed.tar.zst")
    assert slimml("restore", slimmed, *words).code == 0


def test_what_was_not_kept_cannot_come_back(slimml, sloppy):
    slimml("optimize", sloppy, "--yes")
    ended = slimml("restore", f"{sloppy}-slim")
    assert (ended.code, "run slimml optimize with --keep-removed" in ended.err) == (3, True)


def test_an_image_that_slimml_did_not_make(slimml, sloppy):
    ended = slimml("restore", sloppy)
    assert (ended.code, "slimml did not make this image" in ended.err) == (3, True)


def test_a_path_that_nobody_removed(slimml, sloppy):
    slimml("optimize", sloppy, "--keep-removed", "--yes")
    assert slimml("restore", f"{sloppy}-slim", "/etc/passwd").code == 3


def test_a_damaged_ledger_is_refused(slimml, sloppy, tmp_path):
    slimml("optimize", sloppy, "--keep-removed", "--yes", "--ledger", tmp_path / "ledger.json")
    (tmp_path / "ledger.json").write_bytes((tmp_path / "ledger.json").read_bytes()[:-50])
    assert slimml("restore", f"{sloppy}-slim", "--ledger", tmp_path / "ledger.json").code == 6


def test_the_restored_image_keeps_its_promises(slimml, slimmed, tmp_path):
    slimml("restore", slimmed, "-o", f"oci:{tmp_path}/back:v1")
    assert slimml("validate", f"oci:{tmp_path}/back:v1").code == 0
