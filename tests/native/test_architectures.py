"""GPU architectures as people write them."""

import subprocess
import sys
import textwrap

import pytest

from slimml.errors import UsageError
from slimml.native.architectures import names_of, parse_targets


@pytest.mark.parametrize(
    ("text", "expected"),
    [("sm_90", (90,)), ("sm_90,sm_80", (80, 90)), (" SM_90a , 8.0", (80, 90)), ("12.0", (120,)), ("90,90", (90,))],
)
def test_targets_are_read_and_sorted(text, expected):
    assert parse_targets(text) == expected


@pytest.mark.parametrize("text", ["", " , ", "hopper", "sm_9", "sm_9000", "9", "sm_90x", "-90", "sm_٩٠"])
def test_what_is_no_architecture_is_refused(text):
    with pytest.raises(UsageError):
        parse_targets(text)


def test_targets_are_named_as_they_are_read():
    assert parse_targets(names_of((80, 90))) == (80, 90)


DRIVER = """
int cuInit(unsigned flags) { return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? (device ? 9 : 8) : (device ? 0 : 6);
    return 0;
}
"""
ASK = "from slimml.native.architectures import parse_targets; print(parse_targets('host'))"


def ask(directory):
    command = [sys.executable, "-c", ASK]
    return subprocess.run(command, capture_output=True, text=True, env={"LD_LIBRARY_PATH": str(directory)}, check=False)


def test_the_host_is_asked_for_its_gpus(tmp_path):
    (tmp_path / "cuda.c").write_text(textwrap.dedent(DRIVER))
    library = tmp_path / "libcuda.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "cuda.c"], check=True)
    assert ask(tmp_path).stdout.strip() == "(86, 90)"
