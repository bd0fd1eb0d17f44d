"""Which modules an application imports, read off its sources in the image."""

import pytest
from tiny_image import tiny

from slimml.inventory.take import take_inventory
from slimml.probes.application import imported_modules, python_of

SITE = "usr/lib/python3/site-packages"
INSTALLED = {f"{SITE}/{name}/__init__.py": b"" for name in ("torch", "numpy", "pytest", "rich")}
INSTALLED |= {f"{SITE}/six.py": b"", f"{SITE}/fast.cpython-311-x86_64-linux-gnu.so": b""}


def modules(files, *command, **runtime):
    runtime = {"Cmd": list(command), "WorkingDir": "/app", **runtime}
    contents = {path: text.encode() for path, text in files.items()}
    return imported_modules(take_inventory(tiny(INSTALLED, contents, config={"config": runtime})))


@pytest.mark.parametrize(
    "command",
    [("uvicorn", "main:app"), ("python", "main.py"), ("python", "/app/main.py"), ("python", "-m", "main"),
     ("flask", "--app", "main", "run")],
)  # fmt: skip
def test_the_file_that_the_command_names_is_followed(command):
    files = {
        "app/main.py": "import torch, model",
        "app/model.py": "from numpy import array",
        "app/other.py": "import rich",
    }
    assert modules(files, *command) == ("numpy", "torch")


def test_packages_are_followed():
    files = {
        "app/pkg/__init__.py": "",
        "app/pkg/main.py": "from .inner import x\nfrom pkg.deep.mod import y",
        "app/pkg/inner.py": "import six",
        "app/pkg/deep/__init__.py": "",
        "app/pkg/deep/mod.py": "import fast",
    }
    assert modules(files, "uvicorn", "pkg.main:app") == ("fast", "six")


def test_without_a_named_file_all_but_tests_are_read():
    files = {"app/a.py": "import torch", "app/tests/test_a.py": "import pytest", "app/conftest.py": "import rich"}
    assert modules(files, "/app/start.sh") == ("torch",)


def test_imports_within_functions_count():
    assert modules({"app/main.py": "def f():\n    import torch\n"}, "python", "main.py") == ("torch",)


def test_what_is_not_installed_or_standard_does_not_count():
    assert modules({"app/main.py": "import json, boto3, torch"}, "python", "main.py") == ("torch",)


def test_a_later_layer_s_source_is_read():
    image = tiny({**INSTALLED, "app/main.py": b"import rich"}, {"app/main.py": b"import torch"},
                 config={"config": {"Cmd": ["python", "main.py"], "WorkingDir": "/app"}})  # fmt: skip
    assert imported_modules(take_inventory(image)) == ("torch",)


@pytest.mark.parametrize("source", ["import (", "\0", "(" * 5000, "print 'two'"])
def test_a_source_that_is_no_python_is_passed_over(source):
    assert modules({"app/main.py": source}, "python", "main.py") == ()


def test_the_python_of_the_path_is_found():
    image = tiny({"opt/venv/bin/python3": b"", "usr/bin/python3": b""},
                 config={"config": {"Cmd": ["flask"], "Env": ["PATH=/opt/venv/bin:/usr/bin"]}})  # fmt: skip
    assert python_of(take_inventory(image)) == "/opt/venv/bin/python3"
