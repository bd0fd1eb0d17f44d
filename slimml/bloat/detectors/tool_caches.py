"""Caches of language tools: pip, uv, poetry, conda, npm, compilers. What they hold is installed, or fetched again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.environment import environment
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
        (".cache/pip", "Library/Caches/pip"),
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
        "Caches of Poetry, PDM, Pipenv and virtualenv",
        (
            ".cache/pypoetry",
            ".cache/pdm",
            ".cache/pipenv",
            ".cache/pip-tools",
            ".cache/hatch",
            ".cache/pre-commit",
            ".local/share/virtualenv/wheel",
            ".cache/virtualenv",
        ),
        "End the RUN with && rm -rf ~/.cache, or give it --mount=type=cache,target=/root/.cache.",
        ("POETRY_CACHE_DIR", "PDM_CACHE_DIR", "PIPENV_CACHE_DIR"),
        ("pypoetry", "pdm", "pipenv"),
    ),
    _Cache(
        "npm-cache",
        "Caches of npm, yarn and pnpm",
        (
            ".npm/_cacache",
            ".npm/_logs",
            ".npm/_npx",
            ".cache/yarn",
            ".cache/pnpm",
            "usr/local/share/.cache",
            ".cache/node-gyp",
            ".node-gyp",
            ".cache/node/corepack",
            ".bun/install/cache",
            ".cache/bower",
        ),
        "End the RUN with && npm cache clean --force (yarn cache clean, pnpm store prune), "
        "or give it --mount=type=cache,target=/root/.npm.",
        ("NPM_CONFIG_CACHE", "npm_config_cache", "YARN_CACHE_FOLDER"),
        ("yarn", "pnpm", "node-gyp"),
    ),
    _Cache(
        "compiler-caches",
        "Caches of compilers and build systems",
        (
            ".ccache",
            ".cache/ccache",
            ".cache/sccache",
            ".cache/bazel",
            ".cache/go-build",
            ".cargo/registry",
            ".cargo/git",
            "usr/local/cargo/registry",
            "usr/local/cargo/git",
            ".gradle/caches",
            ".cache/meson",
        ),
        "Build in an earlier stage and COPY --from only the result, or give the RUN a --mount=type=cache.",
        ("CCACHE_DIR", "SCCACHE_DIR", "GOCACHE"),
        ("ccache", "go-build", "bazel"),
    ),
    _Cache(
        "module-caches",
        "Sources that Go and Maven fetched to build with",
        ("go/pkg/mod", ".m2/repository"),
        "Build in an earlier stage and COPY --from only the result.",
        ("GOMODCACHE",),
        risk=Risk.LIKELY,
    ),
)


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
        yield Proposal(
            cache.rule,
            cache.title,
            cache.risk,
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
