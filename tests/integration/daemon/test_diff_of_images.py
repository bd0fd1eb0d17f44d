"""`slimml diff` of two images in an engine, however either was read before."""

import json

import pytest

from slimml.cli.main import main


@pytest.fixture
def changed(docker):
    """The name of an image like motley:1, with one more file."""
    docker.api.build("motley:2", "FROM motley:1\nCOPY more /more\n", {"more": b"m" * 5000})
    return "docker-daemon:motley:2"


@pytest.mark.parametrize("before", [[], ["--no-store"]], ids=["listed", "contents read"])
def test_all_files_are_compared(docker, changed, capsys, before):
    there = ["--engine", docker.api.url]
    main(["analyze", "docker-daemon:motley:1", "--json", *there, *before])
    capsys.readouterr()
    assert main(["diff", "docker-daemon:motley:1", changed, "--json", *there]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {part["name"] for part in found["parts"]} & {"unknown", "removed", "changed"} == set()
    assert [(one["path"], one["fate"], one["after"]["disk_bytes"]) for one in found["paths"]] == [
        ("more", "added", 5000)
    ]


def test_a_pull_request_gate(docker, changed, capsys, tmp_path):
    words = ["check", changed, "--against", "docker-daemon:motley:1", "--engine", docker.api.url]
    codes = [main([*words, "--budget", budget]) for budget in ("size=+4999", "size=+5000", "layers=+0")]
    assert codes == [12, 0, 12]
