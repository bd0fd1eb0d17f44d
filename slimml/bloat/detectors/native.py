"""Native code: symbols and debug information that no loader maps, GPU code, CUDA installed twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.environment import environment
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.packages import normalised, rows_where
from slimml.bloat.path_facts import path_facts
from slimml.inventory.form import ELF_EXECUTABLE, ELF_SHARED
from slimml.inventory.owner import Owner, System
from slimml.native.licence import Kind, is_vendor_library, of_metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

MINIMUM_BYTES = 16 * 1024
"""Symbols of a single file below this are not worth a rewrite of it."""

_GPU_DISTRIBUTION = re.compile(
    r"nvidia-.*|triton|pytorch-triton.*|onnxruntime-gpu|cupy(-cuda.*)?|tensorrt.*|cuda-(python|bindings|core|pathfinder)"
    r"|flash-attn|xformers|bitsandbytes|jax-cuda.*|nccl|libcu.*|cudnn|cudatoolkit|cuda-.*"
)
_GPU_PACKAGE = re.compile(r"(cuda|lib(cu(blas|dnn|fft|rand|solver|sparse|file)|nv|npp|nccl|nvinfer)|tensorrt|nsight).*")
_GPU_LIBRARY = re.compile(
    r"lib(torch_cuda.*|c10_cuda|caffe2_nvrtc|torch_nvshmem|onnxruntime_providers_(cuda|tensorrt)|cublas(Lt)?|cudart|cudnn.*"
    r"|cufft.*|curand|cusolver.*|cusparse.*|nccl|nvrtc.*|nvJitLink|nvinfer.*|cupti|nvToolsExt|npp.*)(-[0-9a-f]{8})?\.so.*"
)
_CUDA_WHEEL_LIBRARY = re.compile(r"(lib[A-Za-z]\w*?)(-[0-9a-f]{8})?\.so.*")
_FIPS_PROVIDER = "fips.so"
"""its checksum stands in a configuration file"""
_GPU_VARIABLES = ("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_REQUIRE_CUDA", "CUDA_VERSION")


def native(inventory: Inventory) -> Iterator[Proposal]:
    """Symbols can go, and GPU code is only told: nobody but the owner knows which GPU will be there."""
    rows = strippable(inventory)
    if rows.size:
        yield Proposal(
            "unstripped",
            "Symbols and debug information in shared objects and programs",
            Risk.SAFE,
            Action.SHRINK,
            rows,
            "slimml optimize takes them out (its rule strip). Where you build it yourself, link with -s or run strip "
            "--strip-unneeded in the build stage. Do not run strip on wheels from an index: it breaks those that were "
            "patched.",
            "no loader maps these bytes; debuggers and profilers read them",
            reclaim=inventory.column("debug")[rows],
        )
    yield from _gpu(inventory)
    yield from _cuda_twice(inventory)


def strippable(inventory: Inventory, *, proprietary: bool = False) -> NDArray[np.int64]:
    """Live shared objects and programs with at least MINIMUM_BYTES that no loader maps; not files for debuggers alone,
    modules that the kernel links, nor libraries of which a checksum lies beside that they check themselves.

    Libraries whose owners are known to forbid changed copies are among them only if `proprietary`.
    """
    facts = path_facts(inventory)
    loaded = facts.files & facts.of_form(ELF_SHARED, ELF_EXECUTABLE) & ~facts.suffixed("debug", "dwo", "dwp", "ko")
    loaded &= ~facts.beneath_endings("lib/debug")
    rows = np.flatnonzero(loaded & (inventory.column("debug") >= MINIMUM_BYTES))
    found = [row for row in rows.tolist() if not _checks_itself(inventory, row)]
    if not proprietary:
        forbidden = _forbidding(inventory, found)
        found = [row for row in found if row not in forbidden]
    return np.array(found, dtype=np.int64)


def _forbidding(inventory: Inventory, rows: list[int]) -> set[int]:
    """Those that are NVIDIA's by their names, or proprietary by their distribution's metadata. No text is read for it:
    the owners of most libraries allow changes, and what goes here is no code.
    """
    owners = {int(inventory.owner[row]) for row in rows}
    closed = {owner for owner in owners if _says_proprietary(inventory, inventory.owners[owner])}
    return {row for row in rows if int(inventory.owner[row]) in closed or is_vendor_library(inventory.paths[row])}


def _says_proprietary(inventory: Inventory, owner: Owner) -> bool:
    if owner.system is not System.PYTHON:
        return False
    metadata = inventory.captured(f"{owner.place}/METADATA") or inventory.captured(f"{owner.place}/PKG-INFO") or b""
    return of_metadata(metadata.decode("utf-8", "replace")).kind is Kind.PROPRIETARY


def _checks_itself(inventory: Inventory, row: int) -> bool:
    """Whether it is part of a validated cryptographic module (FIPS 140): OpenSSL's, libgcrypt's, NSS's."""
    directory, slash, name = inventory.paths[row].rpartition("/")
    beside = (f".{name}.hmac", f"{name}.hmac", f"{name.removesuffix('.so')}.chk")
    return name == _FIPS_PROVIDER or any(f"{directory}{slash}{other}" in inventory.live for other in beside)


def _gpu(inventory: Inventory) -> Iterator[Proposal]:
    meant_for_gpu = any(environment(inventory).get(name) not in (None, "", "void", "none") for name in _GPU_VARIABLES)
    rows = np.flatnonzero(_gpu_files(inventory))
    if meant_for_gpu or not rows.size:
        return
    yield Proposal(
        "gpu-code",
        "CUDA libraries and GPU code, in an image that does not say that it uses a GPU",
        Risk.ASK,
        Action.TELL,
        rows,
        "If the service runs on a CPU, install CPU builds: the +cpu wheels of torch from PyTorch's own index (uv: "
        "--torch-backend=cpu), onnxruntime instead of onnxruntime-gpu, tensorflow-cpu, jax without [cuda].",
        "neither the base image nor the environment (NVIDIA_VISIBLE_DEVICES) mentions a GPU; with one, it is needed",
    )


def _gpu_files(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    owned = rows_where(inventory, _is_gpu_package)
    libraries = facts.names_where(_is_gpu_library)
    code = inventory.column("gpu") > 0
    return np.asarray(facts.content & (owned | libraries | code), dtype=bool)


def _is_gpu_library(name: str) -> bool:
    return name.startswith("lib") and ".so" in name and _GPU_LIBRARY.fullmatch(name) is not None


def _is_gpu_package(owner: Owner) -> bool:
    if owner.system in (System.PYTHON, System.CONDA):
        return _GPU_DISTRIBUTION.fullmatch(normalised(owner.name)) is not None
    return owner.system is not System.APPLICATION and _GPU_PACKAGE.fullmatch(owner.name) is not None


def _cuda_twice(inventory: Inventory) -> Iterator[Proposal]:
    """CUDA libraries of the system that Python distributions bring as well."""
    facts = path_facts(inventory)
    libraries = facts.files & facts.names_where(_is_gpu_library)
    in_wheels = {_stem(facts.names[number]) for number in np.unique(facts.name[libraries & facts.in_site]).tolist()}
    of_system = libraries & ~facts.in_site
    rows = np.flatnonzero(facts.names_where(lambda name: _stem(name) in in_wheels, among=of_system))
    if in_wheels and rows.size:
        yield Proposal(
            "cuda-twice",
            "CUDA both in the system and in Python distributions",
            Risk.ASK,
            Action.TELL,
            rows,
            "Start FROM a plain python:…-slim (or the -base tag of the CUDA image): torch and others load the CUDA of "
            "their nvidia-* distributions, the driver comes from the host.",
            "the wheels find their own copies first; programs linked against the system's CUDA still need it",
        )


def _stem(name: str) -> str:
    found = _CUDA_WHEEL_LIBRARY.fullmatch(name)
    return found[1] if found else name
