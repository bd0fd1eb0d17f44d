"""A start on a GPU is watched through NVML and timed from within torch; here against a library that stands for NVML.

No GPU is needed: `LIBRARY` has the functions and structures of nvml.h and says what a file says. What a real driver
answers is not tested.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engines import missing

from slimml.bench import nvml
from slimml.bench.gpu_start import NOT_ON_A_GPU, measure_gpu_start
from slimml.bench.nvml import Device, Nvml
from slimml.engine.host import HostEngine
from slimml.errors import Unavailable
from slimml.probes.probe import HttpProbe, Ready, Suite

LIBRARY = r"""
#include <stdio.h>
#include <string.h>
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct { unsigned int pid; unsigned long long usedGpuMemory; unsigned int gi, ci; } nvmlProcessInfo_t;
static unsigned long long used; static unsigned int pid;
static void look(void) {
  FILE *file = fopen(STATE, "r"); used = 500; pid = 0;
  if (file) { if (fscanf(file, "%llu %u", &used, &pid) != 2) { used = 500; pid = 0; } fclose(file); }
}
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return code == 2 ? "Invalid Argument" : "Unknown"; }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) {
  if (index > 0) return 2;
  *handle = &used; return 0;
}
int nvmlDeviceGetName(void *handle, char *name, unsigned int length) { strncpy(name, "Test GPU", length); return 0; }
int nvmlDeviceGetMemoryInfo(void *handle, nvmlMemory_t *memory) {
  look(); memory->total = 80000; memory->used = used; memory->free = 80000 - used; return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned int *count, nvmlProcessInfo_t *found) {
  look(); *count = pid ? 2 : 1;
  found[0].pid = 1; found[0].usedGpuMemory = ~0ULL;
  if (pid) { found[1].pid = pid; found[1].usedGpuMemory = used - 500; }
  return 0;
}
"""

TORCH = """
import os, time
done = False
def is_initialized(): return done
def _lazy_init():
    global done
    time.sleep(0.1)
    with open(os.environ["STATE"] + ".new", "w") as file:
        file.write(f"7500 {os.getpid()}")
    os.replace(os.environ["STATE"] + ".new", os.environ["STATE"])
    time.sleep(0.2)
    done = True
"""

SERVICE = """
import http.server, torch
torch.cuda._lazy_init()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        torch.cuda._lazy_init()
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"42")

http.server.HTTPServer(("127.0.0.1", 8473), Handler).serve_forever()
"""


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    """A machine with a GPU, by a library of our own; the file that says what is used of it."""
    compiler = shutil.which("cc")
    if compiler is None:
        missing("no C compiler is installed")
    source, library, state = tmp_path / "nvml.c", tmp_path / "libnvidia-ml.so.1", tmp_path / "state"
    source.write_text(f'#define STATE "{state}"\n{LIBRARY}')
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    monkeypatch.setattr(nvml, "_LIBRARY", str(library))
    return state


@pytest.fixture
def engine():
    return HostEngine(venv=Path(sys.prefix))


def service(tmp_path):
    package = tmp_path / "packages/torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from torch import cuda\n")
    (package / "cuda.py").write_text(TORCH)
    return Suite(
        (HttpProbe("work", "/", 8473),),
        "a test",
        ready=Ready(http="/", port=8473),
        argv=("python", "-c", SERVICE),
        environment={"PYTHONPATH": str(package.parent), "STATE": str(tmp_path / "state")},
        network=False,
    )


def test_cuda_memory_and_inference_are_told(gpu, engine, tmp_path):
    with engine.prepare(engine.image) as prepared:
        found = measure_gpu_start(engine, prepared, service(tmp_path))
    assert found.phases.failure is None
    assert found.devices == (Device(0, "Test GPU", 80000),)
    assert 0.3 < found.cuda_seconds < found.phases.phases["ready"]
    assert 0.1 < found.context_seconds < found.phases.phases["ready"] + 0.2
    assert (found.ready_bytes, found.peak_bytes) == (7000, 7000)
    assert found.first_inference == found.phases.phases["first answer"]
    assert found.second_inference > 0


def test_processes_are_told_with_their_memory_where_the_driver_counts(gpu):
    gpu.write_text("700 4711")
    with Nvml() as library:
        assert library.processes(0) == {1: None, 4711: 200}


def test_a_gpu_that_is_not_there_is_said_in_the_librarys_words(gpu):
    with Nvml() as library, pytest.raises(Unavailable, match="Invalid Argument"):
        library.used(1)


def test_without_a_gpu_the_result_says_so(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(nvml, "_LIBRARY", "libno-such-library.so.1")
    with engine.prepare(engine.image) as prepared:
        found = measure_gpu_start(engine, prepared, service(tmp_path))
    assert found.remarks == (NOT_ON_A_GPU,)
    assert (found.devices, found.peak_bytes) == ((), None)
