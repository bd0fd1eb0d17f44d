"""What is known of a directory that stands for an image: its modules' distributions, in a virtual environment's too."""

import os
import subprocess
import sys

import pytest
from tiny_image import tiny

from slimml.bench.directory import look_into
from slimml.bench.module_owners import APPLICATION, STANDARD, owners_of_modules

METADATA = "Metadata-Version: 2.1\nName: Num_Erics\nVersion: 1\n"


def installed(site):
    """A distribution with its list of files, one without, and a module of nobody's."""
    (site / "num_erics-1.dist-info").mkdir(parents=True)
    (site / "num_erics-1.dist-info/METADATA").write_text(METADATA)
    (site / "num_erics-1.dist-info/RECORD").write_text(
        "num/__init__.py,,\nnum/_core.cpython-311-x86_64-linux-gnu.so,,\n"
    )
    (site / "old-1.dist-info").mkdir()
    (site / "old-1.dist-info/METADATA").write_text(METADATA.replace("Num_Erics", "old"))
    (site / "lonely.py").touch()


@pytest.fixture(params=["venv", "root"])
def directory(request, tmp_path):
    """A virtual environment and a root with the same packages."""
    if request.param == "venv":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "it"], check=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        installed(tmp_path / "it/lib" / version / "site-packages")
    else:
        installed(tmp_path / "it/usr/lib/python3/dist-packages")
    return look_into(tiny({}), tmp_path / "it", venv=request.param == "venv")


def test_modules_belong_to_the_distributions_in_it(directory):
    owner_of = owners_of_modules(directory)
    asked = ("num", "num._core", "num._core.made_up", "old", "json", "lonely", "service")
    owners = ["num-erics"] * 3 + ["old", STANDARD, APPLICATION, APPLICATION]
    assert [owner_of(module) for module in asked] == owners


def test_a_file_of_two_names_has_its_bytes_once(tmp_path):
    (tmp_path / "a").write_bytes(bytes(10))
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").symlink_to("a")
    found = look_into(tiny({}), tmp_path, venv=False)
    assert (found.bytes, found.files, found.unread) == (10, 2, 0)


def test_links_are_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(bytes(10))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link").symlink_to("../out")
    assert look_into(tiny({}), tmp_path / "in", venv=False).bytes == 0


def test_a_virtual_environment_without_an_interpreter_that_runs_is_looked_through(tmp_path):
    installed(tmp_path / "lib/python3/site-packages")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to("/bin/false")
    assert look_into(tiny({}), tmp_path, venv=True).modules["num"] == "num-erics"
