"""One of the benchmark images, built and made small as a user would: its answers and its package databases hold."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from engines import engine_directory, need, running_dockerd

IMAGES = Path(__file__).parents[3] / "benchmarks" / "images"
NAME = "sklearn-batch"
"""the one without a service, which needs no network in the engine"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What measure.py found, by level."""
    need("mmdebstrap", "skopeo", "git", "docker")
    found = tmp_path_factory.mktemp("measured") / "found.json"
    with engine_directory() as directory, running_dockerd(directory) as socket:
        environment = os.environ | {"DOCKER_HOST": f"unix://{socket}"}
        for words in (["build.py", NAME], ["measure.py", NAME, "--json", str(found)]):
            command = [sys.executable, IMAGES / words[0], *words[1:]]
            ended = subprocess.run(command, env=environment, capture_output=True, check=False)
            assert found.exists() or ended.returncode == 0, ended.stderr.decode()[-2000:]
    return {one["level"]: one for one in json.loads(found.read_text())}


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("level", ["safe", "likely"])
def test_it_answers_as_before_and_no_package_is_broken(measured, level):
    assert measured[level]["wrong"] == []


@pytest.mark.parametrize(("level", "gone"), [("safe", 25), ("likely", 45)])
def test_as_much_goes_as_is_promised(measured, level, gone):
    assert measured[level]["gone"] >= gone
