"""The names of all rules, so that a misspelt one is an error and not a rule without effect."""

from collections.abc import Iterable
from difflib import get_close_matches

from slimml.errors import UsageError

UNUSED = "unused"
"""the one rule that no detector proposes: what a recording and its closure do not keep (slimml.slim.unused)"""
STRIP = "strip"
GPU_ARCHITECTURES = "gpu-architectures"
MODELS = "models"
"""rules of `optimize` alone, by which files become smaller and stay (slimml.slim.replacing)"""

MARKED = "marked"
"""the rule of what a person marked in the explorer (slimml.slim.marked)"""

DEAD_LIBRARIES = "dead-libraries"
"""the rule of a detector that reads files, and so is asked for (slimml.bloat.dead_libraries)"""

RULES = frozenset(
    [
        UNUSED,
        MARKED,
        "copied-up",
        "written-again",
        "overwritten",
        "deleted",
        "secret-files",
        "secret-variables",
        "runs-as-root",
        "apt-lists",
        "apt-archives",
        "apk-cache",
        "rpm-caches",
        "package-database-backups",
        "hub-blobs-copied",
        "hub-blobs-unused",
        "hub-partial-downloads",
        "pip-cache",
        "uv-cache",
        "poetry-cache",
        "conda-packages",
        "npm-cache",
        "module-caches",
        "compiler-caches",
        "stale-bytecode",
        "optimised-bytecode",
        "bytecode-missing",
        "build-tools",
        "development-distributions",
        "installers",
        "bundled-wheels",
        "version-control",
        "editor-files",
        "core-dumps",
        "working-directory-caches",
        "temporary-files",
        "tool-temporaries",
        "system-logs",
        "logs",
        "python-tests",
        "python-c-sources",
        "type-stubs",
        "torch-tools",
        "headers",
        "static-libraries",
        "build-descriptions",
        "documentation",
        "translations",
        "model-formats",
        "model-formats-unused",
        "training-states",
        "older-checkpoints",
        "data-sets",
        "media-collections",
        "notebooks",
        "duplicates",
        "duplicates-writable",
        "duplicates-elsewhere",
        "unstripped",
        STRIP,
        GPU_ARCHITECTURES,
        DEAD_LIBRARIES,
        MODELS,
        "gpu-code",
        "cuda-twice",
        "frameworks",
    ]
)
"""What `Finding.rule` can be"""


def check_rules(names: Iterable[str], option: str) -> None:
    """Raise UsageError for a name that is no rule, with the nearest one that is; `option` is where it was said."""
    for name in names:
        if name not in RULES:
            near = get_close_matches(name, RULES, 1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(RULES))}"
            raise UsageError(f"{option} {name}: no such rule; {hint}")
