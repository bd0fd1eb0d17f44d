"""`make nightly` in a fresh clone, by the scripts of the workflow: measured, kept, committed, pushed, and told."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ci_steps import Runner, read
from fresh_clone import IDENTITY, environment, fresh_clone, git
from recorded_gh import RecordedGh

ROOT = Path(__file__).parents[3]
JOBS = read(ROOT / ".github/workflows/nightly.yml")["jobs"]
REGRESSED = "needs.measure.outputs.outcome == 'regressed'"


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    """A runner that has been through the job `measure` once, in a clone whose origin is a repository of its own."""
    place = tmp_path_factory.mktemp("nightly")
    clone = fresh_clone(place / "clone")
    git(place, "clone", "-q", "--bare", str(clone), str(place / "origin.git"))
    git(clone, "remote", "add", "origin", str(place / "origin.git"))
    temporary = place / "temporary"
    temporary.mkdir()
    more = environment(clone) | {"XDG_CACHE_HOME": str(place / "cache")}
    made = Runner(clone, temporary, {"inputs.profile || 'quick'": "smoke"}, more)
    assert made.run(JOBS["measure"]["steps"]) == 0
    return made


def history(clone):
    """The lines of the history, as they stand."""
    return [
        line
        for path in sorted(clone.glob("reports/nightly/history/*/*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def test_a_night_leaves_history_chart_page_and_summary(runner):
    assert {path.name for path in (runner.checkout / "reports/nightly").iterdir()} == {
        "history",
        "small.html",
        "small.png",
        "small.svg",
        "summary.md",
        "trends.html",
    }
    assert "nothing became worse" in runner.summary
    assert runner.told["steps.measure.outputs.outcome"] == "passed"


def test_the_results_are_those_of_the_commit_before_and_after(runner):
    results = [json.loads(line) for line in history(runner.checkout)]
    assert {one["commit"] for one in results} == {git(runner.checkout, "rev-parse", "HEAD")}
    assert {one["image"] for one in results} == {"small", "small, slim"}
    assert {one["source"] for one in results} == {"analysis", "optimize", "bench"}


def test_of_two_nights_at_once_one_killed_the_other_is_kept_and_nothing_is_lost(runner):
    before = history(runner.checkout)
    command = [sys.executable, "benchmarks/nightly/run.py", "--profile", "smoke"]
    begun = {"cwd": runner.checkout, "env": os.environ | runner.environment, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **begun, start_new_session=True) as first:
        assert any("slimml optimize" in line for line in first.stderr)
        with subprocess.Popen(command, **begun) as second:
            assert "waiting for it" in second.stderr.readline()
            os.killpg(first.pid, signal.SIGKILL)
            told = second.stderr.read()
    assert second.returncode == 0, told
    after = history(runner.checkout)
    assert after[: len(before)] == before
    assert len(after) == 2 * len(before)
    assert not list((runner.checkout / "build/nightly").glob("work-*"))


@pytest.fixture
def publishing(runner, tmp_path):
    """The runner in the job `publish`, in a clone of its own as it would be, with the artifact in place."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(runner.checkout.parent / "origin.git"), str(clone))
    shutil.copytree(runner.checkout / "reports/nightly", clone / "reports/nightly", dirs_exist_ok=True)
    (tmp_path / "temporary").mkdir()
    gh = RecordedGh(tmp_path / "gh")
    told = {
        "github.event.repository.default_branch": "main",
        "github.token": "",
        "github.repository": "owner/name",
        REGRESSED: True,
    }
    path = {"PATH": f"{gh.directory}:{os.environ['PATH']}"}
    return Runner(clone, tmp_path / "temporary", told, IDENTITY | path), gh


def test_the_results_are_pushed_also_when_somebody_else_pushed_meanwhile(publishing, runner, tmp_path):
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(runner.checkout.parent / "origin.git"), str(other))
    (other / "NOTE").write_text("meanwhile\n")
    git(other, "add", "NOTE")
    git(other, "commit", "-q", "-m", "Meanwhile")
    git(other, "push", "-q", "origin", "main")

    assert publishing[0].run(JOBS["publish"]["steps"], ["Keep the results"]) == 0

    git(other, "pull", "-q", "origin", "main")
    assert history(other) == history(runner.checkout)
    assert (other / "NOTE").exists()


def test_a_regression_opens_an_issue_and_fails_the_run(publishing):
    job, gh = publishing

    assert job.run(JOBS["publish"]["steps"], ["Tell of a regression"]) == 1

    assert gh.asked[-1]["words"][:2] == ["issue", "create"]
    assert "### small" in gh.asked[-1]["body"]


def test_a_regression_that_is_told_already_gets_a_comment(publishing):
    job, gh = publishing
    gh.answer({"issue list": "42"})

    assert job.run(JOBS["publish"]["steps"], ["Tell of a regression"]) == 1

    assert gh.asked[-1]["words"][:3] == ["issue", "comment", "42"]


def test_a_night_without_a_regression_says_nothing(publishing):
    job, gh = publishing
    job.told[REGRESSED] = False

    assert job.run(JOBS["publish"]["steps"], ["Tell of a regression"]) == 0

    assert gh.asked == []
