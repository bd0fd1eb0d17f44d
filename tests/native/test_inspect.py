"""Where the bytes of native files are."""

import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from gpu_library import CUBIN, EXACT, LTO, PTX, container, cubins, element, library

from slimml.errors import Unsupported
from slimml.native.inspect import inspect_file


def total(found):
    return sum(code.bytes for code in found.gpu) + sum(part.bytes for part in found.parts)


@pytest.fixture(scope="module")
def gpu_library(tmp_path_factory):
    containers = [container(*cubins(80, 90), element(PTX, 90)), container(*cubins(80), element(CUBIN, 90, flags=EXACT))]
    return library(tmp_path_factory.mktemp("gpu") / "libgpu.so", containers)


def test_gpu_code_is_told_by_kind_and_target(gpu_library):
    found = inspect_file(gpu_library)
    assert [(one.kind, one.target, one.elements, one.bytes) for one in found.gpu] == [
        ("cubin", "sm_80", 2, 8320),
        ("cubin", "sm_90", 1, 4160),
        ("cubin", "sm_90a", 1, 4160),
        ("ptx", "compute_90", 1, 4160),
    ]


def test_all_bytes_are_accounted_for(gpu_library):
    assert total(inspect_file(gpu_library)) == gpu_library.stat().st_size


def test_all_bytes_of_real_libraries_are_accounted_for():
    libraries = [*sorted(Path(sysconfig.get_path("platlib")).rglob("*.so"))[:40], Path(sys.executable).resolve()]
    wrong = [path for path in libraries if total(inspect_file(path)) != path.stat().st_size]
    assert wrong == []


def test_what_a_target_would_save_is_told(gpu_library):
    found = inspect_file(gpu_library)
    assert found.droppable((90,)) == 2 * 4160 + 4160
    assert found.droppable((80, 90)) == 4160


def test_sections_that_the_library_reads_itself_are_said_to_stay(tmp_path):
    path = library(tmp_path / "libfft.so", [container(element(LTO, 75))], section=".ldata", wrapped=())
    found = inspect_file(path)
    assert (found.gpu_bytes, found.droppable((90,)), total(found)) == (4160, 0, path.stat().st_size)
    assert found.fixed == (".ldata: the library compiles the GPU code that lies there itself",)


def test_a_section_that_holds_something_else_is_said_to_stay(tmp_path):
    path = library(tmp_path / "libodd.so", [container(*cubins(80))[:-8]])
    found = inspect_file(path)
    assert found.fixed == (".nv_fatbin: GPU code of a form that slimml does not know",)
    assert total(found) == path.stat().st_size


def test_a_file_cut_short_is_no_native_file(gpu_library, tmp_path):
    cut = tmp_path / "cut.so"
    shutil.copy(gpu_library, cut)
    with cut.open("r+b") as file:
        file.truncate(5000)
    with pytest.raises(Unsupported):
        inspect_file(cut)


def test_a_text_is_no_native_file(tmp_path):
    (tmp_path / "x.so").write_text("INPUT(libc.so.6)")
    with pytest.raises(Unsupported):
        inspect_file(tmp_path / "x.so")
