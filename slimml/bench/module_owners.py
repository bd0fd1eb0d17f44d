"""Whose a Python module is: its name looked up among the files of the image, whose owners the inventory knows."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from slimml.inventory.owner import System

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

STANDARD = "standard library"
APPLICATION = "application"

_PLACES = re.compile(r"^(?:.*/)?(?:site|dist)-packages/")
_STANDARD = re.compile(r"^(?:.*/)?lib(?:64)?/python3(?:\.\d+)?/(?:lib-dynload/)?")
_SUFFIXES = (".py", ".pyc", ".so")


def owners_of_modules(inventory: Inventory | None) -> Callable[[str], str]:
    """A function from a module's name to the name of its distribution, `standard library` or `application`.

    Without an inventory the first part of the name stands for the distribution.
    """
    known = _distributions(inventory) if inventory is not None else None

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


def owners_of_files(inventory: Inventory | None) -> Callable[[str], str]:
    """A function from an absolute path to the name of who brought the file; "" where nobody knows."""
    if inventory is None:
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
        if path.endswith(_SUFFIXES):
            place = _PLACES.match(path) or _STANDARD.match(path)
            if place is not None:
                whose = names[int(owner[row])] if _PLACES.match(path) else STANDARD
                found.setdefault(_module(path[place.end() :]), whose)
    return found


def _name(system: System, name: str) -> str:
    if system is System.APPLICATION:
        return APPLICATION
    return name if system is System.PYTHON else f"{system.value}:{name}"


def _module(path: str) -> str:
    """`a/b/__init__.py` is a.b, `a/b.cpython-311-x86_64-linux-gnu.so` too."""
    parent, _, file = path.rpartition("/")
    name = file.partition(".")[0]
    parts = [part for part in (*parent.split("/"), name) if part and part not in ("__init__", "__pycache__")]
    return ".".join(parts)
