"""Shared objects without the GPU code that given GPUs do not need."""

import json
import shutil
import subprocess
import sys

import pytest
from gpu_library import CUBIN, LTO, PTX, container, cubins, element, library

from slimml.native.fatbin import find_containers
from slimml.native.outcome import Left, Shrunk
from slimml.native.trim import trim_file

BIG = 200_000
ARCHITECTURES = (75, 80, 90, 120)
LOADED = """
import ctypes, json, struct, sys
library = ctypes.CDLL(sys.argv[1])
assert library.answer() == 42
wrappers = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "wrappers")), 24 * int(sys.argv[2]))
told = []
for magic, version, container, _ in struct.iter_unpack("<IIQQ", wrappers):
    assert magic == 0x466243B1
    magic, _, header, payload = struct.unpack("<IHHQ", ctypes.string_at(container, 16))
    assert magic == 0xBA55ED50
    at, end, architectures = container + header, container + header + payload, []
    while at < end:
        head = ctypes.string_at(at, 64)
        length, size = struct.unpack_from("<IQ", head, 4)
        said = ctypes.string_at(at + length, 16).split(b" 0x")[0].decode()
        architectures.append([struct.unpack_from("<I", head, 28)[0], said])
        at += length + size
    told.append(architectures)
print(json.dumps(told))
"""


def code_as_loaded(path, wrappers):
    """What a program that loads the library finds behind its wrappers: [architecture, beginning of the payload]."""
    command = [sys.executable, "-c", LOADED, str(path), str(wrappers)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def read_elements(path):
    content = path.read_bytes()
    found = find_containers(content, 0, len(content)).containers
    return [[content[one.offset : one.offset + one.bytes] for one in each.elements] for each in found]


@pytest.fixture(scope="module")
def two_containers(tmp_path_factory):
    """A library with two containers, 200 KB for each of four architectures."""
    each = container(*cubins(*ARCHITECTURES, size=BIG))
    return library(tmp_path_factory.mktemp("gpu") / "libgpu.so", [each, each])


def trimmed(source, tmp_path, *targets, drop_debug=True):
    target = tmp_path / "trimmed.so"
    outcome = trim_file(source, target, targets, drop_debug=drop_debug)
    assert isinstance(outcome, Shrunk), outcome
    return target, outcome


def reason(source, tmp_path, *targets, drop_debug=False):
    """Why a library is left; the symbols stay, since without them it would be smaller."""
    target = tmp_path / "trimmed.so"
    outcome = trim_file(source, target, targets or (90,), drop_debug=drop_debug)
    assert isinstance(outcome, Left), outcome
    assert not target.exists()
    return outcome.reason


def test_only_code_for_the_target_stays(two_containers, tmp_path):
    path, _ = trimmed(two_containers, tmp_path, 90)
    assert read_elements(path) == [cubins(90, size=BIG)] * 2


def test_code_for_several_targets_stays(two_containers, tmp_path):
    path, _ = trimmed(two_containers, tmp_path, 80, 90)
    assert read_elements(path) == [cubins(80, 90, size=BIG)] * 2


def test_the_file_gets_smaller_by_what_went(two_containers, tmp_path):
    path, outcome = trimmed(two_containers, tmp_path, 90)
    assert outcome.before - outcome.after == sum(outcome.gone.values())
    assert outcome.gone["freed"] > 5 * BIG
    assert (outcome.before, outcome.after) == (two_containers.stat().st_size, path.stat().st_size)


@pytest.mark.parametrize("drop_debug", [True, False])
def test_a_loaded_library_finds_its_code(two_containers, tmp_path, drop_debug):
    path, _ = trimmed(two_containers, tmp_path, 120, drop_debug=drop_debug)
    assert code_as_loaded(path, 2) == [[[120, "2 for 120"]]] * 2


def test_the_first_and_the_last_container_move_rightly(tmp_path):
    containers = [container(*cubins(75, one, size=BIG)) for one in (80, 90, 120)]
    path, _ = trimmed(library(tmp_path / "libgpu.so", containers), tmp_path, 120)
    assert [each[0][0] for each in code_as_loaded(path, 3)] == [75, 75, 120]


def test_symbols_that_stay_name_their_containers(two_containers, tmp_path):
    path, _ = trimmed(two_containers, tmp_path, 90, drop_debug=False)
    said = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout
    places = {words[2]: int(words[0], 16) for words in map(str.split, said.splitlines()) if len(words) == 3}
    assert places["c1"] - places["c0"] == 16 + len(cubins(90, size=BIG)[0])


def test_a_library_can_be_trimmed_in_its_place(two_containers, tmp_path):
    path = tmp_path / "libgpu.so"
    shutil.copy(two_containers, path)
    assert isinstance(trim_file(path, path, (90,)), Shrunk)
    assert read_elements(path) == [cubins(90, size=BIG)] * 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_trim_finds_nothing(two_containers, tmp_path):
    path, _ = trimmed(two_containers, tmp_path, 90)
    again = tmp_path / "again.so"
    assert isinstance(trim_file(path, again, (90,)), Left)
    assert not again.exists()


def test_a_trimmed_library_can_be_trimmed_further(two_containers, tmp_path):
    path, _ = trimmed(two_containers, tmp_path, 80, 90)
    further = tmp_path / "further.so"
    assert isinstance(trim_file(path, further, (80,)), Shrunk)
    assert code_as_loaded(further, 2) == [[[80, "2 for 80"]]] * 2


def test_gnu_strip_does_no_harm_to_what_was_trimmed_twice(two_containers, tmp_path):
    path, _ = trimmed(two_containers, tmp_path, 80, 90)
    further = tmp_path / "further.so"
    assert isinstance(trim_file(path, further, (80,)), Shrunk)
    subprocess.run(["strip", further], check=True)
    assert code_as_loaded(further, 2) == [[[80, "2 for 80"]]] * 2


def test_containers_that_serve_nothing_keep_a_stand_in(tmp_path):
    source = library(
        tmp_path / "libold.so", [container(*cubins(75, 80, 86, size=BIG)), container(*cubins(90, size=BIG))]
    )
    path, _ = trimmed(source, tmp_path, 90)
    assert [[one[0] for one in each] for each in code_as_loaded(path, 2)] == [[75], [90]]


def test_code_for_linking_stays(tmp_path):
    source = library(tmp_path / "liblto.so", [container(element(LTO, 75, BIG), *cubins(80, 90, size=BIG))])
    path, _ = trimmed(source, tmp_path, 90)
    assert read_elements(path) == [[element(LTO, 75, BIG), *cubins(90, size=BIG)]]


def test_ptx_goes_where_machine_code_serves(tmp_path):
    source = library(tmp_path / "libptx.so", [container(element(PTX, 90, BIG), element(CUBIN, 90, BIG))])
    path, _ = trimmed(source, tmp_path, 90)
    assert read_elements(path) == [[element(CUBIN, 90, BIG)]]


def test_device_linked_code_is_trimmed_too(tmp_path):
    source = library(tmp_path / "librdc.so", [container(*cubins(80, 90, size=BIG))], section="__nv_relfatbin")
    path, _ = trimmed(source, tmp_path, 90)
    assert code_as_loaded(path, 1) == [[[90, "2 for 90"]]]


def test_code_that_nothing_reaches_is_trimmed_with_the_rest(tmp_path):
    each = container(*cubins(80, 90, size=BIG))
    path, _ = trimmed(library(tmp_path / "libgpu.so", [each, each], wrapped=[1]), tmp_path, 90)
    assert code_as_loaded(path, 1) == [[[90, "2 for 90"]]]


def test_a_library_whose_code_is_all_needed_is_left(two_containers, tmp_path):
    assert reason(two_containers, tmp_path, *ARCHITECTURES) == "it has no GPU code that these GPUs can do without"


def test_another_pointer_into_the_code_leaves_it(tmp_path):
    each = container(*cubins(80, 90, size=BIG))
    assert "no wrapper's" in reason(library(tmp_path / "libx.so", [each], data=".quad c0"), tmp_path)
    assert "no wrapper's" in reason(library(tmp_path / "liby.so", [each], data=".quad c0 + 80"), tmp_path)


def test_an_instruction_that_reaches_the_code_leaves_it(tmp_path):
    each = container(*cubins(80, 90, size=BIG))
    source = library(tmp_path / "libx.so", [each, each], wrapped=[0], data=".text\nlea c1(%rip), %rax")
    assert "without a wrapper" in reason(source, tmp_path)


def test_an_exported_symbol_in_the_code_leaves_it(tmp_path):
    source = library(tmp_path / "libx.so", [container(*cubins(80, 90, size=BIG))], data=".globl c0")
    assert "exports a symbol" in reason(source, tmp_path)


def test_pointers_in_the_compact_form_leave_it(tmp_path):
    options = ["-Wl,-z,pack-relative-relocs"]
    source = library(tmp_path / "libx.so", [container(*cubins(80, 90, size=BIG))], options=options)
    assert "RELR" in reason(source, tmp_path)


def test_something_between_containers_leaves_them(tmp_path):
    each = container(*cubins(80, 90, size=BIG))
    assert "between" in reason(library(tmp_path / "libx.so", [each, each], between=b"metadata"), tmp_path)


def test_sections_that_the_library_reads_itself_are_left(tmp_path):
    each = container(*cubins(80, 90, size=BIG))
    source = library(tmp_path / "libcask.so", [each], section=".cask_resource")
    assert "tables of its own" in reason(source, tmp_path)


def test_what_is_left_of_a_smaller_file_is_told(tmp_path):
    each = container(*cubins(80, 90, size=BIG))
    source = library(
        tmp_path / "libx.so", [each], data=f'.section .ldata,"a"\n.align 8\n.incbin "{tmp_path}/libx.0.bin"'
    )
    _, outcome = trimmed(source, tmp_path, 90)
    assert outcome.remarks == (".ldata: the library compiles the GPU code that lies there itself",)


def test_a_text_is_left(tmp_path):
    (tmp_path / "x.so").write_text("INPUT(libc.so.6)")
    assert "ELF" in reason(tmp_path / "x.so", tmp_path)
