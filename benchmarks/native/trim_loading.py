"""Loads libraries of a tree in processes of their own, asks them for their versions, and links NCCL's device code.

Where a library that a library needs is missing on this machine (the driver's, InfiniBand's, MPI's), an empty stand-in
made by gcc takes its place, in which every symbol that is missing is a function that is never called.
"""

import ctypes
import hashlib
import os
import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

LINKER = "nvidia/cu13/lib/libnvJitLink.so.13"
NCCL = "nvidia/nccl/lib/libnccl.so.2"
_FATBIN_INPUT = 4
"""NVJITLINK_INPUT_FATBIN"""
VERSIONS = {
    "libcublas.so": ("property", "cublasGetProperty"),
    "libcublasLt.so": ("returned", "cublasLtGetVersion"),
    "libcudart.so": ("filled", "cudaRuntimeGetVersion"),
    "libcudnn.so": ("returned", "cudnnGetVersion"),
    "libcudnn_adv.so": ("answered", "cudnnAdvVersionCheck"),
    "libcudnn_cnn.so": ("answered", "cudnnCnnVersionCheck"),
    "libcudnn_graph.so": ("answered", "cudnnGraphVersionCheck"),
    "libcudnn_ops.so": ("answered", "cudnnOpsVersionCheck"),
    "libcufft.so": ("filled", "cufftGetVersion"),
    "libcupti.so.13": ("filled", "cuptiGetVersion"),
    "libcurand.so": ("filled", "curandGetVersion"),
    "libcusolver.so": ("filled", "cusolverGetVersion"),
    "libcusparse.so": ("property", "cusparseGetProperty"),
    "libcusparseLt.so": ("property", "cusparseLtGetProperty"),
    "libcufile.so": ("filled", "cuFileGetVersion"),
    "libnccl.so": ("filled", "ncclGetVersion"),
    "libnvJitLink.so": ("two", "nvJitLinkVersion"),
    "libnvrtc.so": ("two", "nvrtcVersion"),
    "libnvshmem_host.so": ("three", "nvshmemx_vendor_get_version_info"),
}
"""how a library tells it: returned, filled into an argument, two or three arguments, or property by property"""
_TORCH = """
import json, torch, torch.nn.functional as F, triton
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 8))
x = torch.arange(256.0).reshape(4, 64) / 256
torch.manual_seed(1)
said = [torch.__version__, torch.version.cuda, triton.__version__, torch.backends.cudnn.version(),
        torch.cuda.nccl.version() if hasattr(torch.cuda, "nccl") else None, torch.cuda.get_arch_list(),
        torch.randn(3).tolist(), model(x).shape[1], torch.fft.rfft(x).abs().sum().item(),
        F.scaled_dot_product_attention(x[None, None], x[None, None], x[None, None]).sum().item()]
print(json.dumps(said))
"""


def library_paths(tree: Path, stand_ins: Path) -> str:
    """What LD_LIBRARY_PATH must say for all libraries of a tree to find one another."""
    places = {str(path.parent) for path in tree.rglob("*.so*") if path.suffix not in (".py", ".pyc")}
    return ":".join([*sorted(place for place in places if "cpython" not in place), str(stand_ins)])


def make_stand_ins(libraries: list[Path], tree: Path, place: Path) -> list[str]:
    """Make libraries that are needed and not here; returns their names."""
    place.mkdir(parents=True, exist_ok=True)
    here = {path.name for path in tree.rglob("*.so*")} | set(_cached_libraries())
    needed_by = defaultdict(list)
    for path in libraries:
        for name in _read(("readelf", "-dW"), path, r"\(NEEDED\).*\[(.+)\]"):
            if name not in here:
                needed_by[name].append(path)
    for name, users in needed_by.items():
        symbols = {
            one for path in users for one in _read(("nm", "-D", "--undefined-only"), path, r"[Uw] ([A-Za-z_]\w*)$")
        }
        source = place / f"{name}.c"
        source.write_text("".join(f"void {one}(void) {{}}\n" for one in sorted(symbols)))
        options = ["-w", "-fno-builtin", "-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,{name}"]
        subprocess.run(["gcc", *options, "-o", place / name, source], check=True)
        source.unlink()
    return sorted(needed_by)


def load_all(libraries: list[Path], tree: Path, stand_ins: Path) -> dict[str, str]:
    """What each library says when it is loaded: its version, "loaded", or the error; by path in the tree."""
    paths = library_paths(tree, stand_ins)
    with ThreadPoolExecutor(2) as pool:
        said = pool.map(partial(_load, paths), libraries)
        return {str(path.relative_to(tree)): one for path, one in zip(libraries, said, strict=True)}


def _load(paths: str, library: Path) -> str:
    command = [sys.executable, __file__, "load", str(library)]
    ended = _run(command, {"LD_LIBRARY_PATH": paths})
    return (
        ended.stdout.strip()
        if not ended.returncode
        else f"failed: {(ended.stderr.strip() or 'a signal').splitlines()[-1]}"
    )


def import_torch(tree: Path) -> str:
    """What torch says of itself and computes when it is imported from a tree."""
    ended = _run([sys.executable, "-c", _TORCH], {"PYTHONPATH": str(tree)})
    return ended.stdout.strip() if not ended.returncode else f"failed: {ended.stderr.strip()[-200:]}"


def linked(linker: Path, library: Path, target: int) -> str:
    """The size and SHA-256 of the cubin that NVIDIA's linker makes of a library's device code for a GPU."""
    ended = _run([sys.executable, __file__, "link", str(linker), str(library), str(target)], {})
    return (
        ended.stdout.strip()
        if not ended.returncode
        else f"failed: {(ended.stderr.strip() or 'a signal').splitlines()[-1]}"
    )


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        command, capture_output=True, text=True, env={**kept, **environment}, timeout=1500, check=False
    )


def _cached_libraries() -> list[str]:
    said = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in said.splitlines() if "=>" in line]


def _read(command: tuple[str, ...], path: Path, pattern: str) -> list[str]:
    said = subprocess.run([*command, path], capture_output=True, text=True, check=False).stdout
    return re.findall(pattern, said, re.MULTILINE)


def _load_here(path: Path) -> str:
    if path.name.startswith("libtorch_nvshmem"):
        for name in ("libc10_cuda.so", "libtorch_cuda.so"):
            ctypes.CDLL(str(path.with_name(name)), mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(path), mode=os.RTLD_LAZY)
    for name, (way, function) in VERSIONS.items():
        if path.name.startswith(name):
            return _version(getattr(library, function), way)
    return "loaded"


def _version(function: "ctypes._CFuncPtr", way: str) -> str:  # type: ignore[name-defined]
    numbers = [ctypes.c_int(-1) for _ in range(3)]
    if way in ("returned", "answered"):
        function.restype = ctypes.c_size_t
        return str(function())
    if way == "property":
        codes = [function(index, ctypes.byref(number)) for index, number in enumerate(numbers)]
    else:
        used = {"filled": 1, "two": 2, "three": 3}[way]
        numbers = numbers[:used]
        codes = [function(*map(ctypes.byref, numbers))]
    if way != "three" and any(codes):
        raise OSError(f"the version call answered {codes}")
    return ".".join(str(number.value) for number in numbers)


def _link_here(linker: Path, library: Path, target: int) -> str:
    from mmap import ACCESS_READ, mmap

    from slimml.native.elf_file import open_elf
    from slimml.native.fatbin import find_containers

    jit = ctypes.CDLL(str(linker))
    create = getattr(jit, max(re.findall(rb"__nvJitLinkCreate_\d+_\d+", linker.read_bytes())).decode())
    suffix = create.__name__.removeprefix("__nvJitLinkCreate")
    call = {
        name: getattr(jit, f"__nvJitLink{name}{suffix}")
        for name in ("AddData", "Complete", "GetLinkedCubin", "GetLinkedCubinSize")
    }
    handle = ctypes.c_void_p()
    _checked(create(ctypes.byref(handle), 1, (ctypes.c_char_p * 1)(f"-arch=sm_{target}".encode())))
    with open_elf(library) as elf, mmap(elf.descriptor, 0, access=ACCESS_READ) as data:
        section = elf.named("__nv_relfatbin")
        for one in find_containers(data, section.offset, section.file_end).containers:
            piece = data[one.offset : one.end]
            _checked(call["AddData"](handle, _FATBIN_INPUT, piece, ctypes.c_size_t(len(piece)), b"nccl"))
    _checked(call["Complete"](handle))
    size = ctypes.c_size_t()
    _checked(call["GetLinkedCubinSize"](handle, ctypes.byref(size)))
    cubin = ctypes.create_string_buffer(size.value)
    _checked(call["GetLinkedCubin"](handle, cubin))
    return f"{size.value} {hashlib.sha256(cubin.raw).hexdigest()}"


def _checked(code: int) -> None:
    if code:
        raise OSError(f"nvJitLink answered {code}")


if __name__ == "__main__":
    print(
        _load_here(Path(sys.argv[2]))
        if sys.argv[1] == "load"
        else _link_here(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    )
