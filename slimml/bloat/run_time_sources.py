"""Distributions that compile their own C or CUDA sources while a program runs: their sources are program files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_WITH_OWN_COMPILER = (
    *("cupy", "cupyx", "cupy_backends", "warp", "tilelang", "flashinfer", "deep_gemm", "deep_ep", "cppyy"),
    *(
        "cppyy_backend",
        "tvm",
        "taichi",
        "pytensor",
        "aesara",
        "theano",
        "pycuda",
        "pyopencl",
        "pocl_binary_distribution",
    ),
    *("cutlass", "cutlass_library", "nvidia_cutlass_dsl", "deepspeed", "triton", "numba_cuda", "tinygrad", "keops"),
    *(
        "pykeops",
        "keopscore",
        "Cython",
        "pyximport",
        "ROOT",
        "vllm",
        "sgl_kernel",
        "xformers",
        "thinc",
        "exllamav2",
        "dace",
    ),
)
_NEED_CUDA_HEADERS = ("cupy", "numba_cuda", "pycuda", "triton", "tilelang", "flashinfer", "deep_gemm", "keopscore")


def sources_for_run_time(inventory: Inventory) -> Mask:
    """Rows of packages that hand their sources to a compiler at run time; `nvidia` wheels where one needs CUDA's."""
    mask: Mask = path_facts(inventory).once("run-time sources", lambda: _find(inventory))
    return mask


def _find(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    roots = []
    for site in facts.sites:
        place = facts.directories[site]
        packages = list(_WITH_OWN_COMPILER)
        if any(facts.position(f"{place}/{package}") is not None for package in _NEED_CUDA_HEADERS):
            packages.append("nvidia")
        roots += [f"{place}/{package}" for package in packages]
    return facts.beneath(*roots)
