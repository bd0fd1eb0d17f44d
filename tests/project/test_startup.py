"""The program starts light: nothing heavy is imported before a command needs it."""

import subprocess
import sys

import pytest

HEAVY = {
    "docker", "humanize", "isal", "numpy", "onnx", "onnxruntime", "packaging", "pyarrow", "requests", "rich", "ssl",
    "textual", "urllib3", "xxhash", "zlib_ng", "zstandard",
}  # fmt: skip


def imported_by(*words):
    ended = subprocess.run([sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True)
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_importing_the_program_imports_nothing_heavy():
    assert imported_by("-c", "import slimml.cli.main") & HEAVY == set()


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["analyze", "--help"], ["optimize", "--help"]])
def test_help_imports_nothing_heavy(words):
    assert imported_by("-m", "slimml", *words) & HEAVY == set()
