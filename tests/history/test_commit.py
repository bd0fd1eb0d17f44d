"""The commit that is being measured."""

import subprocess

import pytest

from slimml.history.commit import VARIABLES, current_commit, subjects_between


@pytest.mark.parametrize("name", VARIABLES)
def test_a_ci_tells_it_by_a_variable(tmp_path, name):
    assert current_commit(tmp_path, {name: "abc"}) == "abc"


@pytest.fixture
def commits(tmp_path):
    """The hashes of three commits: first, second, third."""
    git = ["git", "-C", tmp_path, "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for subject in ("first", "second", "third"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", subject], check=True)
    return subprocess.run(
        [*git, "rev-list", "--reverse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.split()


def test_git_tells_it_elsewhere(tmp_path, commits):
    assert current_commit(tmp_path, {}) == commits[-1]


def test_what_lies_between_two_commits_is_told_the_newest_first(tmp_path, commits):
    assert [line.split()[1] for line in subjects_between(tmp_path, commits[0], commits[2])] == ["third", "second"]


@pytest.mark.parametrize("old", ["", "--output=/tmp/x", "f" * 40, "v1"])
def test_of_what_is_no_known_commit_nothing_is_told(tmp_path, commits, old):
    assert subjects_between(tmp_path, old, commits[2]) == []


def test_without_either_it_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert current_commit(tmp_path, {}) == ""


def test_without_git_it_is_not_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert current_commit(tmp_path, {}) == ""
