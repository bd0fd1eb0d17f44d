"""Caches of language tools: pip, uv, poetry, conda, npm, compilers. What they hold is installed, or fetched again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.environment import command_names, environment
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory


@dataclass(frozen=True)
class _Cache:
    """One tool's cache: directories by the end of their path, and variables of the image that move it."""

    rule: str
    title: str
    endings: tuple[str, ...]
    fix: str
    variables: tuple[str, ...] = ()
    beneath_xdg: tuple[str, ...] = ()
    risk: Risk = Risk.SAFE


_CACHES = (
    _Cache(
        "pip-cache",
        "Wheels and downloads of pip",
        (".cache/pip",),
        "Write RUN pip install --no-cache-dir …, or RUN --mount=type=cache,target=/root/.cache/pip pip install ….",
        ("PIP_CACHE_DIR",),
        ("pip",),
    ),
    _Cache(
        "uv-cache",
        "Cache of uv",
        (".cache/uv",),
        "Write RUN uv pip install --no-cache …, or RUN --mount=type=cache,target=/root/.cache/uv uv sync ….",
        ("UV_CACHE_DIR",),
        ("uv",),
    ),
    _Cache(
        "poetry-cache",
        "Caches of Poetry, PDM, Pipenv and other project tools",
        (
            *(".cache/pypoetry/cache", ".cache/pypoetry/artifacts", ".cache/pdm/http", ".cache/pdm/wheels"),
            *(".cache/pipenv", ".cache/pip-tools", ".cache/hatch", ".cache/pre-commit", ".cache/virtualenv"),
            ".local/share/virtualenv/wheel",
        ),
        "End the RUN with && rm -rf ~/.cache/pypoetry/cache ~/.cache/pypoetry/artifacts, or give it a "
        "--mount=type=cache for these directories.",
        ("PIPENV_CACHE_DIR",),
        ("pypoetry/cache", "pypoetry/artifacts", "pdm/http", "pdm/wheels", "pipenv"),
    ),
    _Cache(
        "npm-cache",
        "Caches of npm, yarn and pnpm",
        (
            *(".npm/_cacache", ".npm/_logs", ".cache/yarn", ".cache/pnpm", "usr/local/share/.cache/yarn"),
            *(".cache/node-gyp", ".node-gyp", ".cache/bower"),
        ),
        "End the RUN with && npm cache clean --force (yarn cache clean, pnpm store prune), "
        "or give it --mount=type=cache,target=/root/.npm.",
        ("YARN_CACHE_FOLDER",),
        ("yarn", "pnpm", "node-gyp"),
    ),
    _Cache(
        "compiler-caches",
        "Caches of compilers",
        (".ccache", ".cache/ccache", ".cache/sccache", ".cache/go-build", ".cache/meson"),
        "Build in an earlier stage and COPY --from only the result, or give the RUN a --mount=type=cache.",
        ("CCACHE_DIR", "SCCACHE_DIR", "GOCACHE"),
        ("ccache", "sccache", "go-build"),
    ),
    _Cache(
        "module-caches",
        "Sources and packages that Go, Cargo, Gradle, Maven and Bun fetched to build with",
        (
            *("go/pkg/mod", ".m2/repository", ".gradle/caches", ".cargo/registry", ".cargo/git"),
            *("usr/local/cargo/registry", "usr/local/cargo/git", ".bun/install/cache"),
        ),
        "Build in an earlier stage and COPY --from only the result.",
        ("GOMODCACHE",),
        risk=Risk.LIKELY,
    ),
)
"""Only what holds nothing else: Poetry keeps environments in its cache, Bazel its outputs, Corepack its programs."""

_UV_ENVIRONMENT = re.compile(r"environments-v\d+")


def tool_caches(inventory: Inventory) -> Iterator[Proposal]:
    """Caches by their usual places, and by those that the image's environment names."""
    facts = path_facts(inventory)
    variables = environment(inventory)
    xdg = variables.get("XDG_CACHE_HOME", "").strip("/")
    for cache in _CACHES:
        rows = facts.beneath_endings(*cache.endings)
        moved = [variables.get(name, "").strip("/") for name in cache.variables]
        if xdg:
            moved += [f"{xdg}/{name}" for name in cache.beneath_xdg]
        rows |= facts.beneath(*(directory for directory in moved if "/" in directory))
        risk = cache.risk
        if cache.rule == "uv-cache":
            # Environments of scripts and tools that uv run and uvx made are programs.
            rows &= ~facts.beneath_positions(facts.directories_where(_UV_ENVIRONMENT.fullmatch))
            risk = Risk.LIKELY if command_names(inventory) & {"uv", "uvx"} else risk
        yield Proposal(
            cache.rule,
            cache.title,
            risk,
            Action.DROP,
            np.flatnonzero(rows & facts.live),
            cache.fix,
            "the tool makes or fetches it again; what was built from it is installed elsewhere",
        )
    yield Proposal(
        "conda-packages",
        "Packages that conda keeps beside the installed ones",
        Risk.SAFE,
        Action.DROP,
        np.flatnonzero(_conda_packages(inventory) & facts.live),
        "End the RUN with && conda clean -afy (mamba clean -afy, micromamba clean -afy).",
        "archives and unpacked copies of packages that are installed; files that an environment links to stay",
    )


def _conda_packages(inventory: Inventory) -> Mask:
    """`pkgs` beside `conda-meta`, where conda unpacks before it links into environments."""
    facts = path_facts(inventory)
    roots = []
    for position in facts.directories_named("pkgs"):
        prefix = facts.directories[position].removesuffix("pkgs")
        children = (facts.position(f"{prefix}{name}") for name in ("conda-meta", "envs"))
        if any(child is not None for child in children):
            roots.append(position)
    return facts.beneath_positions(roots) & ~facts.named("urls", "urls.txt")
