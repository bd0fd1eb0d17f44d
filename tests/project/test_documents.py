"""Documents that say what the code says: exit codes, dependencies, architecture, README."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from slimml import errors

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
IMPORTED_AS = {"yaml": "pyyaml"}
LENT = {path.stem for path in (ROOT / "slimml").glob("*/injected/*.py")}
"""modules that run in images, beside each other"""


def names_of(requirements):
    return {re.match(r"[A-Za-z0-9_.-]+", line)[0].lower().replace("_", "-") for line in requirements}


def table_rows(text):
    """The first cells of a document's table rows, without the backticks."""
    return {row.strip().strip("`") for row in re.findall(r"^\|([^|]+)\|", text, re.MULTILINE)}


def test_the_exit_codes_of_all_errors_are_documented():
    page = (ROOT / "docs/exit-codes.md").read_text("utf-8")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SlimmlError)]
    told = {(int(code), name) for code, names in re.findall(r"^\| (\d+) \| (.*?) \|", page, re.MULTILINE)
            for name in re.findall(r"`(\w+)`", names)}  # fmt: skip
    assert told == {(kind.exit_code, kind.__name__) for kind in kinds}


def test_every_dependency_is_justified():
    page = (ROOT / "docs/dependencies.md").read_text("utf-8")
    declared = names_of(PROJECT["dependencies"])
    for extra in PROJECT["optional-dependencies"].values():
        declared |= names_of(extra)
    assert declared == {row for row in table_rows(page) if row not in ("package", "---")}


def test_every_import_is_declared():
    extras = PROJECT["optional-dependencies"]
    declared = names_of(PROJECT["dependencies"])
    for extra in ("demo", "charts", "history", "explore"):
        declared |= names_of(extras[extra])
    found = set()
    for path in (ROOT / "slimml").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            found |= {name.partition(".")[0] for name in names}
    found = {
        IMPORTED_AS.get(name, name).replace("_", "-")
        for name in found - sys.stdlib_module_names - {"slimml", "_typeshed"} - LENT
    }
    assert found - declared == set()


def test_every_room_is_in_the_architecture():
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    rooms = {path.parent.name for path in (ROOT / "slimml").glob("*/__init__.py")}
    told = set(re.findall(r"^ {6}(\w+)/ ", page, re.MULTILINE))
    assert told == rooms


def test_the_readme_says_what_the_program_says():
    check = [sys.executable, ROOT / "scripts/check_readme.py"]
    ended = subprocess.run(check, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
