"""`slimml demo` as a user runs it: the small image is smaller and answers the same."""

import subprocess
import sys

import pytest

pytest.importorskip("onnxruntime", reason="needs the extra demo")


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    directory = tmp_path_factory.mktemp("demo") / "images"
    command = [sys.executable, "-m", "slimml", "demo", "--directory", str(directory)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return directory, ended.stdout


def test_both_images_answer_the_same(demonstration):
    _, said = demonstration
    assert "Both answered the same" in said or "unverified" in said


def test_the_images_stay_in_the_directory_and_nothing_else_does(demonstration):
    directory, _ = demonstration
    assert [path.name for path in directory.iterdir()] == ["image"]
