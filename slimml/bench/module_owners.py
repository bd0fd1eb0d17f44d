"""Whose a Python module is: its name looked up where the image's inventory, or a directory, says."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from slimml.bench.directory import Directory
from slimml.bench.module_names import SUFFIXES, module_name
from slimml.inventory.owner import System

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

STANDARD = "standard library"
APPLICATION = "application"

_PLACES = re.compile(r"^(?:.*/)?(?:site|dist)-packages/")
_STANDARD = re.compile(r"^(?:.*/)?lib(?:64)?/python3(?:\.\d+)?/(?:lib-dynload/)?")


def owners_of_modules(source: Inventory | Directory | None) -> Callable[[str], str]:
    """A function from a module's name to the name of its distribution, `standard library` or `application`.

    Where nothing is known the first part of the name stands for the distribution.
    """
    known = source.modules if isinstance(source, Directory) else _distributions(source) if source is not None else None

    def owner_of(module: str) -> str:
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top == "sitecustomize":
            return STANDARD
        if known is None:
            return top
        name = module
        while name:
            if name in known:
                return known[name]
            name = name.rpartition(".")[0]
        return APPLICATION

    return owner_of


def owners_of_files(inventory: Inventory | Directory | None) -> Callable[[str], str]:
    """A function from an absolute path to the name of who brought the file; "" where nobody knows."""
    if inventory is None or isinstance(inventory, Directory):
        return lambda path: ""

    def owner_of(path: str) -> str:
        row = inventory.live.get(path.lstrip("/"))
        if row is None:
            return ""
        owner = inventory.owners[int(inventory.owner[row])]
        return _name(owner.system, owner.name)

    return owner_of


def _distributions(inventory: Inventory) -> Mapping[str, str]:
    """The modules of the merged root by their names, with the owner's name."""
    names = {number: _name(owner.system, owner.name) for number, owner in enumerate(inventory.owners)}
    found: dict[str, str] = {}
    owner = inventory.owner
    for path, row in inventory.live.items():
        if path.endswith(SUFFIXES):
            place = _PLACES.match(path) or _STANDARD.match(path)
            if place is not None:
                whose = names[int(owner[row])] if _PLACES.match(path) else STANDARD
                found.setdefault(module_name(path[place.end() :]), whose)
    return found


def _name(system: System, name: str) -> str:
    if system is System.APPLICATION:
        return APPLICATION
    return name if system is System.PYTHON else f"{system.value}:{name}"
