"""What becomes of a program that does not run is told apart from what nobody was able to see."""

import json

import pytest

from slimml.demo.answers import NotRun, ask
from slimml.oci.config import parse_config


@pytest.fixture
def config():
    """A configuration with the given members."""

    def make(**members):
        document = {"os": "linux", "architecture": "amd64", "config": members, "rootfs": {"diff_ids": []}}
        return parse_config(json.dumps(document).encode())

    return make


def test_a_program_that_is_gone_gives_no_answers_and_the_reason(tmp_path, config):
    root = tmp_path / "root"
    root.mkdir(mode=0o755)
    found = ask(root, config(Cmd=["/app"], User="1000"))
    if isinstance(found, NotRun):
        pytest.skip(f"this kernel does not let us: {found.reason}")
    assert {(answer.status, answer.body) for answer in found} == {(0, "No such file or directory")}


def test_a_root_that_cannot_be_entered_says_nothing_about_the_program(tmp_path, config):
    assert isinstance(ask(tmp_path / "nowhere", config(Cmd=["/app"], User="1000")), NotRun)
