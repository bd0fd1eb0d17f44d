"""Compiled Python: what no interpreter here reads can go, what it reads must stay, what is missing is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.environment import command_words, environment
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_NAME = re.compile(
    r"(?P<stem>.+?)\.(?P<tag>[a-z]+-?\d+t?)(?P<opt>\.opt-\w+)?(?P<pytest>-pytest-[\w.]+)?\.pyc(?P<left>\.\d+)?"
)
_INTERPRETER = re.compile(r"(?P<kind>python|pypy)(?P<major>3|2)\.(?P<minor>\d+)t?")
_FEW_MODULES = 200
_MOSTLY = 0.5


def bytecode(inventory: Inventory) -> Iterator[Proposal]:
    """Files in `__pycache__` (PEP 3147). A .pyc anywhere else is a module without source, and stays."""
    facts = path_facts(inventory)
    tags = _interpreter_tags(inventory)
    inside = facts.files & facts.beneath_named("__pycache__")
    rows = np.flatnonzero(inside)
    parsed = {number: _NAME.fullmatch(facts.names[number]) for number in np.unique(facts.name[rows]).tolist()}
    stale, optimised, compiled = [], [], set()
    sources = _source_numbers(inventory)
    for row, number, directory in zip(
        rows.tolist(), facts.name[rows].tolist(), facts.directory[rows].tolist(), strict=True
    ):
        found = parsed[number]
        if found is None:
            continue
        source = sources.get((directory, found["stem"]))
        foreign = bool(tags) and found["tag"].rstrip("t") not in tags
        if source is None or foreign or found["pytest"] or found["left"]:
            stale.append(row)
        elif found["opt"]:
            optimised.append(row)
        else:
            compiled.add(source)
    yield Proposal(
        "stale-bytecode",
        "Bytecode that no interpreter here can use",
        Risk.SAFE,
        Action.DROP,
        np.array(stale, dtype=np.int64),
        "Delete modules together with their __pycache__, and copy no __pycache__ into the image (.dockerignore: "
        "**/__pycache__).",
        "its source is gone, or it is of another Python version: the interpreter never opens it",
    )
    if not _optimises(inventory):
        yield Proposal(
            "optimised-bytecode",
            "Bytecode for python -O and -OO",
            Risk.LIKELY,
            Action.DROP,
            np.array(optimised, dtype=np.int64),
            "Compile for one optimisation level only (no -o 1 -o 2 to compileall, no PYTHONOPTIMIZE while installing).",
            "the image does not start Python with -O; the plain bytecode stays",
        )
    missing = _not_compiled(inventory, compiled) if tags else 0
    if missing:
        yield Proposal(
            "bytecode-missing",
            f"{missing} modules of installed distributions have no bytecode",
            Risk.LIKELY,
            Action.TELL,
            np.empty(0, dtype=np.int64),
            "Install without --no-compile and PYTHONDONTWRITEBYTECODE=1 (uv: --compile-bytecode), or add "
            "RUN python -m compileall -q $(python -c 'import site; print(site.getsitepackages()[0])').",
            "each start compiles what it imports: importing torch took 4.2 s instead of 1.75 s",
        )


def _interpreter_tags(inventory: Inventory) -> set[str]:
    """Cache tags of the interpreters in the image, from libraries (`lib/python3.11`) and programs (`python3.11`)."""
    facts = path_facts(inventory)
    names = {facts.directories[p].rpartition("/")[0].rpartition("/")[2] for p in facts.directories_named("encodings")}
    names |= {name for name in facts.names if name.startswith(("python3.", "pypy3.", "python2."))}
    tags = set()
    for found in filter(None, (_INTERPRETER.fullmatch(name) for name in names)):
        kind = "cpython-" if found["kind"] == "python" else "pypy"
        tags.add(f"{kind}{found['major']}{found['minor']}")
    return tags


def _source_numbers(inventory: Inventory) -> dict[tuple[int, str], int]:
    """Live .py rows by (position of the __pycache__ beside them, stem)."""
    facts = path_facts(inventory)
    beside = {}
    for position in facts.directories_named("__pycache__"):
        parent = facts.position(facts.directories[position].removesuffix("__pycache__").rstrip("/"))
        if parent is not None:
            beside[parent] = position
    rows = np.flatnonzero(facts.content & facts.suffixed("py", "pyw"))
    places = zip(rows.tolist(), facts.directory[rows].tolist(), facts.name[rows].tolist(), strict=True)
    return {
        (beside[directory], facts.names[name].rpartition(".")[0]): row
        for row, directory, name in places
        if directory in beside
    }


def _optimises(inventory: Inventory) -> bool:
    words = command_words(inventory)
    return bool(environment(inventory).get("PYTHONOPTIMIZE")) or any(word in ("-O", "-OO") for word in words)


def _not_compiled(inventory: Inventory, compiled: set[int]) -> int:
    """How many modules of distributions lack bytecode; 0 where most have it, or where there are few."""
    facts = path_facts(inventory)
    modules: Mask = facts.files & facts.in_site & facts.suffixed("py") & (facts.size > 0)
    have = np.zeros_like(modules)
    have[list(compiled)] = True
    total, missing = int(modules.sum()), int((modules & ~have).sum())
    return missing if total >= _FEW_MODULES and missing > _MOSTLY * total else 0
