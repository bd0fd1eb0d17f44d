"""Libraries that NVIDIA's compiler made, trimmed and loaded; on a machine with a GPU their kernels run, too."""

import random
import shutil
import subprocess
import sys

import pytest

from slimml.native.inspect import inspect_file
from slimml.native.outcome import Shrunk
from slimml.native.trim import trim_file

NVCC = shutil.which("nvcc")
SOURCE = """
#include <cuda_runtime.h>
__device__ const unsigned long long table[] = {%s};
__global__ void fill(unsigned long long *x) { x[threadIdx.x] = table[threadIdx.x]; }
extern "C" int version() { int found = 0; cudaRuntimeGetVersion(&found); return found; }
extern "C" int launch() {
    unsigned long long *x = nullptr;
    if (cudaError_t error = cudaMalloc(&x, 256)) return error;
    fill<<<1, 32>>>(x);
    return cudaDeviceSynchronize();
}
"""
ASK = "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); print(library.version(), library.launch())"
pytestmark = pytest.mark.skipif(NVCC is None, reason="needs NVIDIA's compiler (nvcc)")


@pytest.fixture(scope="module", params=[[], ["-rdc=true"]], ids=["whole programs", "device-linked"])
def compiled(request, tmp_path_factory):
    """A library for sm_80, sm_90 and, as PTX, for what comes after."""
    place = tmp_path_factory.mktemp("nvcc")
    chance = random.Random(1)
    (place / "library.cu").write_text(SOURCE % ",".join(f"{chance.getrandbits(64)}ull" for _ in range(20_000)))
    architectures = ["sm_80", "sm_90", "compute_90"]
    code = [f"-gencode=arch=compute_{one[-2:]},code={one}" for one in architectures]
    command = [
        NVCC,
        "-shared",
        "-Xcompiler",
        "-fPIC",
        *request.param,
        *code,
        "-o",
        place / "library.so",
        place / "library.cu",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return place / "library.so"


def said(path):
    return subprocess.run([sys.executable, "-c", ASK, path], check=True, capture_output=True, text=True).stdout


def test_a_compiled_library_answers_as_before(compiled, tmp_path):
    outcome = trim_file(compiled, tmp_path / "trimmed.so", (80, 90))
    assert isinstance(outcome, Shrunk), outcome
    assert said(tmp_path / "trimmed.so") == said(compiled)


def test_only_the_targets_code_stays_of_a_compiled_library(compiled, tmp_path):
    assert isinstance(trim_file(compiled, tmp_path / "trimmed.so", (90,)), Shrunk)
    assert {code.target for code in inspect_file(tmp_path / "trimmed.so").gpu} == {"sm_90"}
