"""Distributions for people who develop, and installers: whole packages that a service does not import."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.environment import command_names, starts_script
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.packages import normalised, removable_packages, rows_of, unpackaged
from slimml.bloat.path_facts import path_facts
from slimml.inventory.owner import Owner, System

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_DEVELOPMENT = re.compile(
    r"jupyter(lab|hub)?([-_].*)?|notebook(-shim)?|nbclassic|nbconvert|nbformat|nbclient|nbval|nbdime|qtconsole"
    r"|ipython|ipykernel|ipywidgets|widgetsnbextension|voila|papermill|bash-kernel"
    r"|pytest|pytest-.*|nose2?|tox|nox|coverage|codecov|coveralls|hypothesis|mock|responses|moto|vcrpy|faker|factory-boy"
    r"|mypy|types-.*|.*-stubs|pyright|basedpyright|pytype|pyre-check|flake8|flake8-.*|pylint|astroid|pycodestyle|pyflakes"
    r"|pydocstyle|mccabe|black|isort|ruff|autopep8|yapf|autoflake|bandit|pre-commit|vulture|radon|import-linter"
    r"|sphinx|sphinx-.*|sphinxcontrib-.*|mkdocs|mkdocs-.*|pdoc3?|numpydoc|myst-parser|furo|readme-renderer"
    r"|build|twine|bump2version|bumpversion|hatch|hatchling|flit|flit-core|flit-scm|poetry|poetry-core|poetry-.*|pdm"
    r"|pdm-backend|pipenv|pip-tools|pipx|virtualenv|maturin|cython|pybind11(-global)?|nanobind|meson|meson-python|ninja"
    r"|cmake|scikit-build(-core)?|setuptools-(scm|rust|git.*)|cibuildwheel|auditwheel|delocate|check-manifest"
    r"|debugpy|memray|py-spy|line-profiler|memory-profiler|snakeviz|pudb|ipdb|gprof2dot|viztracer|scalene"
    r"|conda-build|conda-pack|grayskull|pyinstaller|nuitka"
)
_SUPPORT = re.compile(
    r"pluggy|iniconfig|jedi|parso|prompt-toolkit|matplotlib-inline|stack-data|executing|asttokens|pure-eval|pexpect"
    r"|ptyprocess|backcall|pickleshare|ipython-pygments-lexers|ipython-genutils|traitlets|comm|nest-asyncio|terminado"
    r"|send2trash|argon2-cffi(-bindings)?|json5|fqdn|isoduration|webcolors|uri-template|rfc3339-validator"
    r"|rfc3986-validator|jsonpointer|arrow|async-lru|overrides|mistune|pandocfilters|bleach|tinycss2|webencodings"
    r"|pathspec|mypy-extensions|librt|identify|cfgv|nodeenv|distlib|alabaster|imagesize|snowballstemmer|docutils"
    r"|pyproject-hooks|pyproject-metadata|trove-classifiers|docstring-to-markdown|pkginfo|nh3|id|keyring|jeepney"
    r"|secretstorage|jaraco-.*|rfc3986|requests-toolbelt|dodgy|grimp|cachetools-stubs|python-json-logger"
)
"""What the former pull in; they go only where nobody asked for them by name."""

_RUNNERS = frozenset({"poetry", "pipenv", "pdm", "hatch", "nox", "tox", "pipx", "virtualenv", "papermill", "voila"})
"""What start scripts run programs with."""

_NOTEBOOK_PORT = "8888/tcp"

_INSTALLERS = frozenset({"pip", "setuptools", "wheel", "easy-install"})
_DPKG_INSTALLERS = frozenset({"python3-pip", "python3-setuptools", "python3-wheel", "python3-pip-whl", "python3-venv"})
_DPKG_WHEELS = frozenset({"python3-setuptools-whl", "python-pip-whl", "py3-pip", "py3-setuptools", "py3-wheel"})
_IMPORT_SETUPTOOLS = frozenset(
    {"webrtcvad", "clip", "openai-clip", "face-recognition-models", "pyworld", "pytorch-lightning", "kfp", "resampy"}
    | {"torch-tensorrt", "pandas-profiling", "gsutil", "pymatting", "triton"}
)
"""Distributions that import setuptools or pkg_resources at run time, some without requiring it."""


def python_distributions(inventory: Inventory) -> Iterator[Proposal]:
    """Sets that nothing remaining requires, so that the others stay whole."""
    present = _with_rows(inventory)
    called = _called(inventory)
    development = present & removable_packages(
        inventory, lambda owner: _is_development(owner) and not called(normalised(owner.name))
    )
    if development:
        yield Proposal(
            "development-distributions",
            "Notebooks, test runners, linters and build backends",
            Risk.LIKELY,
            Action.PACKAGE,
            rows_of(inventory, development),
            "Keep them out of requirements.txt: put them into requirements-dev.txt or a dependency group, and install "
            "that where you develop only.",
            "no remaining distribution requires them; a service does not import them",
            owners=tuple(sorted(development)),
        )
    installers = removable_packages(inventory, _installer_test(inventory)) & present - development
    if installers:
        yield Proposal(
            "installers",
            "pip, setuptools and wheel",
            Risk.LIKELY,
            Action.PACKAGE,
            rows_of(inventory, installers),
            "In the last RUN: && pip uninstall -y setuptools wheel pip; or copy a virtual environment made with "
            "python -m venv --without-pip (uv venv) out of a build stage.",
            "nothing is installed into a running service; no remaining distribution requires them. "
            "Programs that install at run time, and undeclared imports of pkg_resources, would notice",
            owners=tuple(sorted(installers)),
        )
    facts = path_facts(inventory)
    yield Proposal(
        "bundled-wheels",
        "Wheels of pip in ensurepip, and packages left after installing them",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(_bundled(inventory) & facts.content),
        "Install from a build stage's wheels: RUN --mount=type=bind,from=build,source=/wheels,target=/wheels pip "
        "install …; delete ensurepip/_bundled in the last RUN.",
        "they are installed already, or serve only to make virtual environments in the container",
    )


def _with_rows(inventory: Inventory) -> set[int]:
    """Owners that own something live: a distribution whose files a system package owns goes only with that."""
    owned = inventory.owner[path_facts(inventory).live]
    return set(np.unique(owned).tolist())


def _called(inventory: Inventory) -> Callable[[str], bool]:
    """Does the command of the image name this distribution, or may its start script? Jupyter goes by many names."""
    words = {normalised(name) for name in command_names(inventory)}
    script = starts_script(inventory)
    notebooks = any("jupyter" in word or "notebook" in word or "ipython" in word for word in words)
    notebooks |= script and _NOTEBOOK_PORT in (inventory.image.config.runtime.get("ExposedPorts") or {})
    return lambda name: (
        name in words
        or (script and name in _RUNNERS)
        or (notebooks and name.startswith(("jupyter", "notebook", "ipy", "nb")))
    )


def _is_development(owner: Owner) -> bool:
    if owner.system not in (System.PYTHON, System.CONDA):
        return False
    name = normalised(owner.name)
    return _DEVELOPMENT.fullmatch(name) is not None or (
        owner.system is System.PYTHON and owner.automatic is not False and _SUPPORT.fullmatch(name) is not None
    )


def _installer_test(inventory: Inventory) -> Callable[[Owner], bool]:
    names = {normalised(owner.name) for owner in inventory.owners if owner.system in (System.PYTHON, System.CONDA)}
    kept = command_names(inventory) & _INSTALLERS | ({"setuptools"} if names & _IMPORT_SETUPTOOLS else frozenset())

    def wanted(owner: Owner) -> bool:
        if owner.system in (System.PYTHON, System.CONDA):
            return normalised(owner.name) in _INSTALLERS - kept
        of_system = owner.name in _DPKG_INSTALLERS or owner.name in _DPKG_WHEELS
        return of_system and not (kept and "setuptools" in owner.name)

    return wanted


def _bundled(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    ensurepip = facts.beneath_endings("ensurepip/_bundled") | facts.beneath("usr/share/python-wheels")
    left = facts.suffixed("whl", "deb", "rpm", "apk", "conda", "egg") & unpackaged(inventory) & ~facts.in_site
    return np.asarray(ensurepip | left, dtype=bool)
