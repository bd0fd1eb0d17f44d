"""ci-templates run: the script of nights for images of one's own, and GitLab's check of merge requests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fresh_clone import IDENTITY, git
from tiny_image import tiny

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image

TEMPLATES = Path(__file__).parents[3] / "ci-templates"
CACHE = {f"root/.cache/pip/http-v2/{number}": bytes(range(256)) * 400 for number in range(10)}


@pytest.fixture
def place(tmp_path):
    """A directory to work in, with an image `app` that has something to lose."""
    write_image(tiny({"app": b"x" * 500_000, **CACHE}), parse_reference(f"oci:{tmp_path}/app:v1"))
    return tmp_path


def environment(place, **more):
    return {
        **os.environ,
        **IDENTITY,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(place / "cache"),
        "SLIMML_OPTIMIZE_VERIFY": "false",
        "SLIMML_BENCH": "--measure size",
        **more,
    }


def night(place, *images, **more):
    return subprocess.run(
        ["bash", TEMPLATES / "nightly.sh", *images],
        cwd=place,
        env=environment(place, **more),
        capture_output=True,
        text=True,
        check=False,
    )


def lines(place):
    return [line for path in place.rglob("history/*/*.jsonl") for line in path.read_text().splitlines()]


def test_a_night_leaves_history_charts_and_pages(place):
    ended = night(place, "oci:app:v1")

    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in (place / "slimml-reports").glob("[!.]*")} == {
        "app.html",
        "app.png",
        "app.txt",
        "history",
    }
    assert len(lines(place)) == 4


def test_an_image_that_grew_ends_the_second_night_with_13(place):
    night(place, "oci:app:v1")
    write_image(tiny({"app": b"x" * 900_000, **CACHE}), parse_reference(f"oci:{place}/app:v2"))

    ended = night(place, "oci:app:v2")

    assert ended.returncode == 13, ended.stderr
    assert len(lines(place)) == 8


def test_an_image_that_is_not_there_leaves_the_nights_before_as_they_were(place):
    night(place, "oci:app:v1")
    before = lines(place)

    ended = night(place, "oci:nowhere:v1")

    assert ended.returncode == 3
    assert lines(place) == before


def test_the_reports_are_committed_where_that_is_asked_for(place):
    git(place, "init", "-q", "-b", "main")

    ended = night(place, "oci:app:v1", SLIMML_COMMIT="1")

    assert ended.returncode == 0, ended.stderr
    assert git(place, "log", "--format=%s") == "Keep the results of a night"
    assert "slimml-reports/app.png" in git(place, "ls-files").splitlines()
    assert "slimml-reports/.lock" not in git(place, "ls-files")


def gitlab(place, job, part, **variables):
    document = yaml.safe_load((TEMPLATES / "gitlab.yml").read_text("utf-8"))
    given = {**document["variables"], **document[job].get("variables", {}), **variables}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(document[job][part])],
        cwd=place,
        env=environment(place, **given),
        capture_output=True,
        text=True,
        check=False,
    )


def test_gitlab_checks_the_image_of_a_merge_request(place):
    (place / "slimml.toml").write_text('[budgets]\nsize = "100 kB"\n')

    ended = gitlab(place, "slimml-check", "script", SLIMML_IMAGE="oci:app:v1", SLIMML_AGAINST="oci:app:v1")

    assert ended.returncode == 12, ended.stderr
    assert "❌" in (place / "slimml-check/summary.md").read_text("utf-8")
    assert (place / "slimml-check/junit.xml").exists()


def test_gitlab_writes_no_note_without_a_token(place):
    ended = gitlab(place, "slimml-check", "after_script", SLIMML_TOKEN="")

    assert (ended.returncode, ended.stderr) == (0, "")


def test_gitlab_runs_the_script_at_night(place):
    ended = gitlab(
        place,
        "slimml-nightly",
        "script",
        SLIMML_IMAGE="oci:app:v1",
        SLIMML_NIGHTLY=str(TEMPLATES / "nightly.sh"),
    )

    assert ended.returncode == 0, ended.stderr
    assert len(lines(place)) == 4
