"""The commit that is being measured."""

import subprocess

import pytest

from slimml.history.commit import VARIABLES, current_commit


@pytest.mark.parametrize("name", VARIABLES)
def test_a_ci_tells_it_by_a_variable(tmp_path, name):
    assert current_commit(tmp_path, {name: "abc"}) == "abc"


def test_git_tells_it_elsewhere(tmp_path):
    git = ["git", "-C", tmp_path, "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert current_commit(tmp_path, {}) == head


def test_without_either_it_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert current_commit(tmp_path, {}) == ""


def test_without_git_it_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert current_commit(tmp_path, {}) == ""
