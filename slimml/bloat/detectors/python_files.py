"""Files of Python distributions that no program imports: tests, C and Cython sources, type stubs, tools of torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.detectors.development_files import INCLUDE_DIRECTORIES
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.path_facts import path_facts
from slimml.bloat.run_time_sources import sources_for_run_time

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_TEST_DIRECTORIES = ("tests", "test", "SelfTest")
_IMPORTED_AT_RUN_TIME = re.compile(
    r"(tensorflow|tensorflow_core|keras|tf_keras|django|theano|aesara|pytensor|testtools|nose)/.*"
    r"|astropy/tests|sunpy/tests|astroquery/tests|h5py/tests|locust/test|(.*/)?(_?api|management|templates|plugins)/.*"
)
"""Directories, relative to the site, that are called like tests and that their package imports or offers."""

_STDLIB = re.compile(r"(?:.*/)?lib(?:64)?/(?:python3\.\d+t?|pypy3\.\d+)")
_STDLIB_TESTS = (
    *("test", "lib2to3/tests", "ctypes/test", "distutils/tests", "idlelib/idle_test", "sqlite3/test", "tkinter/test"),
    *("unittest/test", "turtledemo", "idlelib"),
)
_SOURCES = (
    *("c", "cc", "cpp", "cxx", "h", "hpp", "hh"),
    *("hxx", "pyx", "pxd", "pxi", "pyf", "f", "f90"),
)
"""Not .cu and .cl: libraries hand these to the driver's compiler, some as soon as they are imported (thinc)."""

_SLIM_SITE = "RUN pip install --no-cache-dir … && find $(python -c 'import site; print(site.getsitepackages()[0])') "


def python_files(inventory: Inventory) -> Iterator[Proposal]:
    """Parts of installed distributions; modules called `testing` are programs and stay."""
    facts = path_facts(inventory)
    tests = _tests(inventory) & facts.live
    yield Proposal(
        "python-tests",
        "Tests of Python distributions and of the standard library",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(tests | facts.emptied(tests)),
        f"{_SLIM_SITE}-type d -name tests -prune -exec rm -rf {{}} +  (look at what it finds first)",
        "programs do not import the tests of what they use; packages known to do so stay",
    )
    sources = facts.in_site & facts.suffixed(*_SOURCES) & ~sources_for_run_time(inventory)
    sources &= ~facts.beneath_named(*INCLUDE_DIRECTORIES)
    yield Proposal(
        "python-c-sources",
        "C, C++ and Cython sources in Python distributions",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(sources & facts.content),
        f"{_SLIM_SITE}'(' -name '*.pyx' -o -name '*.c' -o -name '*.cpp' ')' -delete",
        "the compiled extensions lie beside them; only building other extensions reads them",
    )
    stubs = facts.in_site & facts.suffixed("pyi")
    if facts.directories_named("lazy_loader"):
        # lazy_loader.attach_stub reads a package's own stub when it is imported.
        stubs &= ~facts.named("__init__.pyi")
    yield Proposal(
        "type-stubs",
        "Type stubs of Python distributions",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(stubs & facts.content),
        f"{_SLIM_SITE}-name '*.pyi' -delete",
        "type checkers and editors read them, the interpreter does not",
    )
    tools = facts.beneath_endings("site-packages/torch/bin", "dist-packages/torch/bin")
    yield Proposal(
        "torch-tools",
        "Test programs and tools in torch/bin",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(tools & ~facts.named("torch_shm_manager") & facts.content),
        "RUN pip install … && find …/torch/bin -type f ! -name torch_shm_manager -delete",
        "torch starts torch_shm_manager only",
    )


def _tests(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    roots = []
    for position in facts.directories_named(*_TEST_DIRECTORIES):
        site = _site_of(facts.sites, facts.ends.tolist(), position)
        if site is None:
            continue
        relative = facts.directories[position].removeprefix(facts.directories[site] + "/")
        if _IMPORTED_AT_RUN_TIME.fullmatch(relative) is None and ".dist-info" not in relative:
            roots.append(position)
    for position in facts.directories_named("os.py", "encodings"):
        library = facts.directories[position].rpartition("/")[0]
        if _STDLIB.fullmatch(library):
            found = (facts.position(f"{library}/{name}") for name in _STDLIB_TESTS)
            roots += [root for root in found if root is not None]
    return facts.beneath_positions(roots)


def _site_of(sites: list[int], ends: list[int], position: int) -> int | None:
    return next((site for site in sites if site < position < ends[site]), None)
