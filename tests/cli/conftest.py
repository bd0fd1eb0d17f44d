"""Sloppy images on disk, and the program run in this process."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from tiny_image import tiny

from slimml.cli.main import main
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image


@dataclass(frozen=True)
class Ended:
    """How the program ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


def noise(count, seed=1):
    """Bytes that do not compress, the same each time."""
    import random

    return random.Random(seed).randbytes(count)


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    """Settings, caches and temporary directories of the test's own."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "SLIMML_CACHE_DIR", "SLIMML_WORK_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
        (tmp_path / name.lower()).mkdir()
    for name in ("SOURCE_DATE_EPOCH", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return place


@pytest.fixture
def slimml(capsys):
    """Run the program with these words."""

    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.fixture
def sloppy(tmp_path):
    """The reference of a layout whose image holds a cache, a replaced file and a deleted one."""
    image = tiny(
        {
            "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
            "app/main.py": b"print('hello')\n" * 50,
            "app/model.bin": noise(20_000),
            "tmp/installer": noise(10_000, 2),
        },
        {
            "app/model.bin": noise(20_000, 3),
            "root/.cache/pip/http-v2/a/b/entry": noise(30_000, 4),
            "tmp/.wh.installer": b"",
        },
    )
    reference = f"oci:{tmp_path}/layout:v1"
    write_image(image, parse_reference(reference))
    return reference


@pytest.fixture
def lean(tmp_path):
    """The reference of a layout whose image holds nothing that could go."""
    reference = f"oci:{tmp_path}/lean:v1"
    write_image(tiny({"app/model.bin": noise(20_000)}), parse_reference(reference))
    return reference
