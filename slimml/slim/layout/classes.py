"""How often files change, told from whose they are: packages of the system, distributions, weights, the application."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.path_facts import SITE_NAMES
from slimml.inventory import form
from slimml.inventory.owner import System

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory


class Class(IntEnum):
    """What a file is, what changes least often first: the order of layers."""

    SYSTEM = 0
    DISTRIBUTIONS = 1
    DATA = 2
    APPLICATION = 3

    @property
    def words(self) -> str:
        """As a layer is called."""
        return _WORDS[self]


_WORDS = {
    Class.SYSTEM: "OS packages",
    Class.DISTRIBUTIONS: "distributions",
    Class.DATA: "weights and data",
    Class.APPLICATION: "application",
}
_SYSTEMS = {
    System.DPKG: Class.SYSTEM,
    System.APK: Class.SYSTEM,
    System.RPM: Class.SYSTEM,
    System.UNKNOWN: Class.SYSTEM,
    System.CONDA: Class.DISTRIBUTIONS,
    System.PYTHON: Class.DISTRIBUTIONS,
    System.NPM: Class.DISTRIBUTIONS,
}
_SYSTEM_PLACES = frozenset({"bin", "boot", "etc", "lib", "lib32", "lib64", "libx32", "sbin", "usr", "var"})
_WEIGHTS = frozenset(
    {form.MODEL_ONNX, form.MODEL_SAFETENSORS, form.MODEL_TORCH, form.MODEL_GGUF, form.MODEL_TFLITE}
    | {form.MODEL_TENSORFLOW, form.MODEL_OTHER, form.HDF5, form.ARRAY}
)
_LARGE = 1 << 20
_LEAST = 16 << 10
_APPLICATION_SHARE = 0.004
"""of the image's bytes: what one changed file of an application may cost, with room to spare below a hundredth"""


class Classes:
    """Classes of an image's paths. What is the application's is little: of what nobody owns the large goes to DATA."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._forms: list[str] = inventory.table["form"].to_pylist()
        self._sizes = inventory.column("size")
        self._compressed = inventory.column("compressed")
        self._large = self._bound()

    def of(self, path: str) -> tuple[Class, str]:
        """The class of a live path, and whom it is kept together with."""
        inventory = self._inventory
        row = inventory.live.get(path, -1)
        owner = inventory.owners[int(inventory.owner[row])] if row >= 0 else None
        known = _SYSTEMS.get(owner.system) if owner else None
        if owner is not None and known is not None:
            return known, owner.name if known is Class.DISTRIBUTIONS else ""
        found = self._unowned(path)
        if found is Class.APPLICATION and row >= 0:
            size = int(self._sizes[row])
            weights = self._forms[row] in _WEIGHTS and size >= _LARGE
            if weights or int(self._compressed[row]) >= self._large:
                return Class.DATA, ""
        return found, ""

    def _unowned(self, path: str) -> Class:
        parts = path.split("/")
        if not SITE_NAMES.isdisjoint(parts[:-1]):
            return Class.DISTRIBUTIONS
        if parts[:2] == ["usr", "local"]:
            library = len(parts) > 3 and parts[2] == "lib" and parts[3].startswith("python")
            return Class.SYSTEM if library else Class.APPLICATION
        if parts[0] in _SYSTEM_PLACES and parts[:2] not in (["var", "www"], ["var", "task"]):
            return Class.SYSTEM
        return Class.APPLICATION

    def _bound(self) -> int:
        """The size, compressed, from which a file that nobody owns is no source of the application."""
        inventory = self._inventory
        total = int(self._compressed.sum())
        sizes = sorted(
            int(self._compressed[row])
            for path, row in inventory.live.items()
            if inventory.owners[int(inventory.owner[row])].system is System.APPLICATION
            and self._unowned(path) is Class.APPLICATION
        )
        below = np.cumsum(sizes)
        fitting = int(np.searchsorted(below, _APPLICATION_SHARE * total, side="right"))
        bound = sizes[fitting] if fitting < len(sizes) else _LARGE
        return min(max(bound, _LEAST), _LARGE)
