"""What a .dockerignore leaves out of a COPY of everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.context import IGNORE_FILE
from slimml.dockerfile.ignore_file import parse_ignore
from slimml.dockerfile.places import copies
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity, SideFile

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "dockerignore"
_PATTERNS = (
    (".git", re.compile(r"\.git(/|$)")),
    ("**/__pycache__", re.compile(r"(^|.*/)__pycache__/")),
    ("**/*.pyc", re.compile(r".*\.pyc$")),
    (".venv", re.compile(r"\.venv/")),
    ("venv", re.compile(r"venv/(bin|Scripts|lib|pyvenv\.cfg)")),
    ("**/node_modules", re.compile(r"(^|.*/)node_modules/")),
    ("**/.pytest_cache", re.compile(r"(^|.*/)\.pytest_cache/")),
    ("**/.mypy_cache", re.compile(r"(^|.*/)\.mypy_cache/")),
    ("**/.ruff_cache", re.compile(r"(^|.*/)\.ruff_cache/")),
    ("**/.ipynb_checkpoints", re.compile(r"(^|.*/)\.ipynb_checkpoints/")),
    (".tox", re.compile(r"\.tox/")),
    (".idea", re.compile(r"\.idea/")),
    (".vscode", re.compile(r"\.vscode/")),
    (".env", re.compile(r"\.env$")),
    ("wandb", re.compile(r"wandb/(run-|latest-run|debug)")),
    ("mlruns", re.compile(r"mlruns/\d")),
    ("**/*.egg-info", re.compile(r"(^|.*/)[^/]*\.egg-info/")),
    ("**/.DS_Store", re.compile(r"(^|.*/)\.DS_Store$")),
)
_GIT = re.compile(r"\bgit\b(?!hub)|setuptools.scm|versioneer|hatch-vcs|poetry-dynamic|\bdvc\b")
_VERSIONED = ("pyproject.toml", "setup.py", "setup.cfg")


def _look(build: Build) -> Iterator[Finding]:
    if not build.context.known:
        return
    whole = [copied for stage in build.stages for copied in copies(stage) if copied.everything]
    if not whole:
        return
    named = {source.strip("/") for stage in build.stages for copied in copies(stage) for source in copied.sources}
    wanted = []
    saves = 0
    for pattern, paths in _PATTERNS:
        going = [path for path in build.context.sent if paths.match(path)]
        if going and not _needed(build, pattern, named):
            wanted.append(pattern)
            saves += sum(build.context.sizes[path] for path in going)
    if not wanted:
        return
    before = build.context.text(IGNORE_FILE)
    message = f"COPY takes {', '.join(wanted)} along: {IGNORE_FILE} {'does not name them' if before else 'is missing'}"
    text = (before or "") + ("" if not before or before.endswith("\n") else "\n") + "".join(f"{it}\n" for it in wanted)
    if before is None and (build.context.directory is None or (build.context.directory / IGNORE_FILE).exists()):
        yield Finding(_ID, whole[0].instruction.text_span, message, saves=saves, kept=f"{IGNORE_FILE} cannot be read")
        return
    if any(pattern.back for pattern in parse_ignore(before or "").patterns):
        kept = f"{IGNORE_FILE} has exceptions, whose order only its author knows"
        yield Finding(_ID, whole[0].instruction.text_span, message, saves=saves, kept=kept)
        return
    yield Finding(_ID, whole[0].instruction.text_span, message, (), saves, (SideFile(IGNORE_FILE, text),))


def _needed(build: Build, pattern: str, named: set[str]) -> bool:
    """Something copies it by name, or the build asks git for a version."""
    bare = pattern.removeprefix("**/")
    if bare in named or any(source.startswith(f"{bare}/") for source in named):
        return True
    if pattern == ".env":
        return build.context.mentions(re.compile(r"load_dotenv|\.env\b")) != ""
    if pattern != ".git":
        return False
    runs = [run.arguments.text for stage in build.stages for run in stage.runs()]
    scripts = [
        re.sub(r"apt(-get)? [^&;|]*|apk [^&;|]*|git clone [^&;|]*|git\+\S+|\S*git-lfs\S*|git lfs install", "", text)
        for text in runs
    ]
    if any(_GIT.search(text) for text in scripts):
        return True
    return any(_GIT.search(build.context.text(path) or "") for path in _VERSIONED)


RULE = Rule(
    _ID,
    "Files of the checkout that no image needs",
    Risk.SAFE,
    Severity.WARNING,
    "COPY . takes the history of the repository, caches and environments of this machine along, also into the "
    "builder's "
    "cache key: every commit makes all later layers anew.",
    "https://docs.docker.com/build/concepts/context/#dockerignore-files",
    _look,
)
