"""The running Python is found with all it consists of."""

import os
import sys

import pytest

from slimml.demo import this_python
from slimml.errors import Unsupported


@pytest.fixture(scope="module")
def interpreter():
    return this_python.interpreter(())


def test_the_interpreter_lies_below_usr_local(interpreter):
    program = interpreter.files[f"usr/local/bin/{this_python.VERSION}"]
    assert os.access(program, os.X_OK)


def test_the_standard_library_comes_without_anybodys_packages(interpreter):
    home = f"usr/local/{sys.platlibdir}/{this_python.VERSION}"
    assert f"{home}/os.py" in interpreter.files
    assert not any(path.startswith((f"{home}/site-packages", f"{home}/dist-packages")) for path in interpreter.files)


@pytest.mark.skipif(sys.platform != "linux", reason="shared objects of Linux")
def test_the_c_library_comes_along_under_the_name_that_programs_ask_for(interpreter):
    names = {path.rpartition("/")[2] for path in (*interpreter.files, *interpreter.links)}
    assert any(name.startswith(("libc.so", "libc.musl", "ld-musl")) for name in names)


def test_links_of_the_image_lead_to_files_of_the_image(interpreter):
    sonames = {path: link for path, link in interpreter.links.items() if "/" not in link and ".so" in path}
    assert [
        path for path, link in sonames.items() if f"{path.rpartition('/')[0]}/{link}" not in interpreter.files
    ] == []


def test_a_closure_has_what_its_distributions_require():
    assert {"pytest", "pluggy", "iniconfig"} <= set(this_python.closure(["pytest"]))


def test_a_distribution_that_is_not_here_is_told_with_the_way_out():
    with pytest.raises(Unsupported, match=r"slimml\[demo\]"):
        this_python.closure(["no-such-distribution"])


def test_a_virtual_environment_holds_its_distributions_files():
    tree = this_python.virtual_environment("opt/venv", this_python.closure(["pluggy"]))
    assert f"opt/venv/lib/{this_python.VERSION}/site-packages/pluggy/__init__.py" in tree.files


def test_nothing_lies_outside_the_virtual_environment():
    tree = this_python.virtual_environment("opt/venv", this_python.closure(["pytest"]))
    assert [path for path in (*tree.files, *tree.links) if not path.startswith("opt/venv/")] == []
