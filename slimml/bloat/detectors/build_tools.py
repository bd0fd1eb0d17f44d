"""Compilers, build systems, version control and development packages in an image that only runs things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.bloat.environment import command_names
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.packages import normalised, removable_packages, rows_of
from slimml.inventory.owner import Owner, System

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

_SECTIONS = frozenset({"devel", "libdevel", "vcs"})
_NAMES = re.compile(
    r"(build-essential|dpkg-dev|dpkg-cross|debhelper|devscripts|build-base|alpine-sdk|\.build-deps.*|abuild"
    r"|(gcc|g\+\+|gfortran|cpp|clang|clang-tools|lld|llvm|binutils|ld|gold|mold)(-\d+)?(-[a-z0-9_]+-linux-gnu.*)?"
    r"|(gcc|gxx|gfortran|binutils|sysroot|clang|clangxx|kernel-headers)_(impl_)?linux-.*"
    r"|(gcc|binutils|sysroot)_(impl_)?.*|gcc-(c\+\+|gfortran|plugin-.*)|llvm\d*-.*tools|clang\d+(-.*)?"
    r"|make|gmake|automake(-[\d.]+)?|autoconf|autotools-dev|libtool|libtool-bin|m4|bison|flex|cmake(-data)?|ninja"
    r"|ninja-build|meson|pkg-config|pkgconf.*|patch|patchelf|swig[\d.]*|nasm|yasm|gdb|gdbserver|valgrind|strace|ltrace"
    r"|git(-man|-core|-core-doc|-lfs|-email|-svn)?|perl-Git|mercurial(-common)?|subversion|bzr|cvs|fakeroot|libfakeroot"
    r"|cargo|rustc|rust(-.*)?|libstd-rust.*|golang.*|ccache|sccache|scons|maven|gradle|ant"
    r"|linux-headers.*|linux-libc-dev|kernel-headers|glibc-headers|libc-dev-bin|libc-devtools|manpages-dev|musl-dev"
    r"|python3(\.\d+)?-(dev|distutils|lib2to3)|python\d*-devel|.*-(dev|devel|headers|static|dbg|dbgsym|debuginfo))$"
)
_SUPPORT = re.compile(
    r"(libcc1-\d+|libisl\d*|isl\d*|libmpc\d*|mpc\d*|libmpfr\d*|mpfr\d*|lib(a|l|t|ub|hwa)san\d+|libitm\d*|libctf.*|libgprofng.*"
    r"|libbinutils.*|libsframe\d+|libdpkg-perl|liberror-perl|libalgorithm-.*-perl|libfile-fcntllock-perl|rpcsvc-proto"
    r"|libperl5\.\d+|perl-modules-5\.\d+|perl|less|libllvm\d+|libclang-.*|libz3-4|librhash\d+|libarchive13"
    r"|libjsoncpp\d+|libuv1|libsigsegv2|lto-disabled-list|libfl2|libfakeroot|gyp)$"
)
"""Pulled in by build tools and by little else; they go only where apt recorded that nobody asked for them."""

_COMPILER_LIBRARIES = re.compile(r"lib(a|l|t|ub|hwa)san\d+|libcc1-\d+|libisl\d+|libmpc\d+|libctf.*|libgprofng.*")
_CUDA = re.compile(r"(cuda|lib(cu|nv|npp|nccl|cudnn|nvidia)|nvidia|nsight|tensorrt|libnvinfer)")
_CUDA_TOOLS = re.compile(
    r"(cuda-(nvcc|compiler|command-line-tools|gdb|nsight|nvprof|nvvp|cuobjdump|cuxxfilt|nvdisasm|nvprune|nvvm|crt"
    r"|sanitizer|memcheck|visual-tools|tools|minimal-build|documentation|demo-suite|samples|profiler-api).*"
    r"|nsight-.*|.*-(dev|devel|static))$"
)
_COMPILE_AT_RUN_TIME = frozenset({"triton", "deepspeed", "pytorch-triton", "tinygrad", "pythran", "torch-tensorrt"})

_FIX = (
    "Build in an earlier stage (FROM … AS build) and COPY --from=build the virtual environment or the wheels into a "
    "slim one; or install and remove in one RUN: apt-get install -y --no-install-recommends build-essential && "
    "pip install … && apt-get purge -y --auto-remove build-essential."
)


def build_tools(inventory: Inventory) -> Iterator[Proposal]:
    """Packages that build software, with the development packages that nothing else requires."""
    called = command_names(inventory)
    owners = removable_packages(inventory, lambda owner: owner.name not in called and _is_build_tool(owner))
    if not owners:
        return
    compiles = sorted(
        {owner.name for owner in inventory.owners if owner.system is System.PYTHON} & _COMPILE_AT_RUN_TIME
    )
    reason = (
        "a service runs what was built; torch.compile, Triton and extensions built at run time need a C compiler"
        if not compiles
        else f"{', '.join(compiles)} may call a C compiler at run time"
    )
    yield Proposal(
        "build-tools",
        "Compilers, build tools and development packages",
        Risk.ASK if compiles else Risk.LIKELY,
        Action.PACKAGE,
        rows_of(inventory, owners),
        _FIX,
        reason,
        owners=tuple(sorted(owners)),
    )


def _is_build_tool(owner: Owner) -> bool:
    if owner.system not in (System.DPKG, System.APK, System.RPM, System.CONDA):
        return False
    if _CUDA.match(owner.name):
        return _CUDA_TOOLS.match(owner.name) is not None
    if owner.system is System.CONDA:
        # conda's environments share names with Python distributions, which have detectors of their own.
        return _NAMES.match(normalised(owner.name)) is not None or _NAMES.match(owner.name) is not None
    if owner.section.rpartition("/")[2] in _SECTIONS or _NAMES.match(owner.name):
        return True
    if _SUPPORT.match(owner.name):
        return owner.automatic is True or (owner.automatic is None and bool(_COMPILER_LIBRARIES.match(owner.name)))
    return False
