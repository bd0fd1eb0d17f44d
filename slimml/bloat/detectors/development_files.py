"""Headers, static libraries, object files and build descriptions: what a compiler reads and a program does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.path_facts import path_facts
from slimml.bloat.run_time_sources import sources_for_run_time
from slimml.inventory.form import ELF_OBJECT, STATIC_LIBRARY

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_HEADERS = (
    *("h", "hpp", "hh", "hxx", "h++", "inl", "inc"),
    *("ipp", "tcc", "ixx", "modulemap", "def", "pxd", "pxi"),
)
_PREFIXES = ("usr", "usr/local", "opt/conda", "opt/venv", "opt/intel", "venv", ".venv")
INCLUDE_DIRECTORIES = ("include", "Include", "includes")
"""Where distributions keep the headers that they offer to others."""

_FIX_STAGE = "Compile in an earlier stage and COPY --from only the result."


def development_files(inventory: Inventory) -> Iterator[Proposal]:
    """Headers (also those in distributions), static libraries and objects, CMake and pkg-config files."""
    facts = path_facts(inventory)
    compiled = facts.of_form(STATIC_LIBRARY, ELF_OBJECT) & facts.suffixed("a", "o")
    libraries = compiled | facts.suffixed("la", "lo")
    yield Proposal(
        "static-libraries",
        "Static libraries and object files",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(libraries & facts.content),
        f"{_FIX_STAGE} For those of a distribution: RUN pip install … && find / -name '*.a' -delete.",
        "only a linker reads them",
    )
    yield Proposal(
        "headers",
        "C and C++ headers",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(_headers(inventory) & facts.content),
        f"{_FIX_STAGE} -dev packages belong into the build stage.",
        "only a compiler reads them; torch.compile and extensions built at run time need those of torch and Python",
    )
    yield Proposal(
        "build-descriptions",
        "CMake, pkg-config and autoconf files",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(_descriptions(inventory) & facts.content),
        f"{_FIX_STAGE} -dev packages belong into the build stage.",
        "only build systems read them",
    )


def _headers(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    prefixes = [f"{prefix}/include" for prefix in _PREFIXES]
    system = facts.beneath(*prefixes, *_environments(inventory))
    # sysconfig reads pyconfig.h when a program asks for configuration variables.
    kept = facts.named("pyconfig.h")
    in_site = facts.in_site & ~sources_for_run_time(inventory)
    inside = in_site & facts.beneath_named(*INCLUDE_DIRECTORIES) & facts.suffixed(*_HEADERS, "")
    return (system | inside) & ~kept & ~facts.suffixed("py", "pyc", "so", "json", "cl", "metal")


def _environments(inventory: Inventory) -> list[str]:
    """`include` beside the `lib` or `lib64` that holds Python distributions."""
    facts = path_facts(inventory)
    found = []
    for site in facts.sites:
        prefix, _, _ = facts.directories[site].rpartition("/lib")
        if prefix:
            found.append(f"{prefix}/include")
    return found


def _descriptions(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    everywhere = facts.beneath_endings("lib/pkgconfig", "share/pkgconfig", "lib/cmake", "share/aclocal", "share/cmake")
    multiarch = facts.beneath_named("pkgconfig") & facts.suffixed("pc")
    cmake = facts.beneath_named("cmake", "Cmake", "CMake") & (facts.suffixed("cmake") | facts.named("CMakeLists.txt"))
    return everywhere | multiarch | cmake | (facts.in_site & facts.suffixed("cmake"))
