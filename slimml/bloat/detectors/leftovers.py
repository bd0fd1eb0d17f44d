"""What came along with a copied working directory: version control, caches of tools, editors, core dumps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.packages import unpackaged
from slimml.bloat.path_facts import path_facts
from slimml.inventory.form import ELF_CORE
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_VERSION_CONTROL = (".git", ".svn", ".hg", ".bzr")
_TOOL_CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".ipynb_checkpoints", ".tox", ".nox", ".hypothesis")
_TOOL_CACHES_MORE = (".pytype", ".pyre", ".eggs", ".nyc_output", ".parcel-cache")
_EDITORS = (".idea", ".vscode", ".vs", ".fleet", "__MACOSX")
_DESKTOP_FILES = (".DS_Store", "Thumbs.db", "desktop.ini", ".coverage")
_BACKUP = re.compile(r".+(\.orig|\.rej|\.swp|\.swo|\.bak|~)|\._.+|\.#.+")
_CORE = re.compile(r"core(\.\d+)?|.+\.core|vgcore\.\d+")


def leftovers(inventory: Inventory) -> Iterator[Proposal]:
    """Trees and files that tools make beside sources, and no program opens."""
    facts = path_facts(inventory)
    yield Proposal(
        "version-control",
        "Directories of Git and other version control",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(facts.live & _trees(inventory, *_VERSION_CONTROL)),
        "Name .git in .dockerignore; clone with --depth 1 in a build stage and COPY --from what is needed.",
        "programs run from the checked out files; some ask Git for their version when they start",
    )
    modules_cache = facts.beneath_endings("node_modules/.cache")
    yield Proposal(
        "working-directory-caches",
        "Caches of test runners, linters and notebooks",
        Risk.SAFE,
        Action.DROP,
        np.flatnonzero(facts.live & (_trees(inventory, *_TOOL_CACHES, *_TOOL_CACHES_MORE) | modules_cache)),
        "Name them in .dockerignore: .pytest_cache, .mypy_cache, .ruff_cache, .ipynb_checkpoints, .tox.",
        "each tool makes its cache again",
    )
    yield Proposal(
        "editor-files",
        "Files of editors and desktops",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(_editor_files(inventory)),
        "Name them in .dockerignore: .idea, .vscode, .DS_Store, *.orig, *.swp.",
        "only editors and file managers read them",
    )
    yield Proposal(
        "core-dumps",
        "Core dumps",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(_core_dumps(inventory)),
        "Find out what crashed during the build; delete core files in the same RUN.",
        "a memory image of a program that crashed; only debuggers read it",
    )


def _trees(inventory: Inventory, *names: str) -> Mask:
    """Rows beneath directories of these names, and the directories themselves."""
    facts = path_facts(inventory)
    roots = facts.named(*names) & (facts.kind == Kind.DIRECTORY)
    return np.asarray(facts.beneath_named(*names) | roots, dtype=bool)


def _editor_files(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    own = unpackaged(inventory) & facts.live
    files = own & facts.content & ~facts.beneath("etc", "usr/share", "usr/lib", "var", "lib")
    found = facts.names_where(_BACKUP.fullmatch, among=files) | (files & facts.named(*_DESKTOP_FILES))
    return found | (own & _trees(inventory, *_EDITORS))


def _core_dumps(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    return facts.names_where(_CORE.fullmatch, among=facts.files & facts.of_form(ELF_CORE))
