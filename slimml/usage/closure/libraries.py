"""Native code: the loader, needed libraries, and libraries that kept ones name for `dlopen`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.path_facts import path_facts
from slimml.inventory.elf_dynamic import Dynamic, DynamicTaker
from slimml.inventory.form import ELF_EXECUTABLE, ELF_SHARED
from slimml.oci.limits import MIB
from slimml.usage.closure.search_path import SearchPath
from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    from slimml.inventory.read_rows import Read
    from slimml.usage.closure.keeping import Keeping
    from slimml.usage.closure.texts import Texts

_READ_AHEAD = 2 * MIB
_HASH = re.compile(r"-[0-9a-f]{6,}(?:-[0-9a-f.]+)?$")
_NEVER = ("libvdpau_", "libGLX_", "libEGL_", "swrast_dri.so", "libnvidia-", "libcuda.so")
"""Graphics drivers of Mesa, and what the NVIDIA container toolkit mounts: a container has no screen"""


class Libraries:
    """Reads each kept ELF file once. With the first, all smaller ones that could be needed are read ahead: a layer
    that has to be decompressed from its beginning is then read once, not once for every link of a chain.
    """

    def __init__(self, keeping: Keeping, read: Read, texts: Texts, variables: Mapping[str, str]) -> None:
        self._keeping, self._read = keeping, read
        self._search = SearchPath(keeping, texts, variables)
        facts = path_facts(keeping.inventory)
        self._elf = facts.of_form(ELF_SHARED, ELF_EXECUTABLE) & facts.files
        self._dynamic: dict[int, Dynamic | None] = {}
        self._done: set[int] = set()

    def keep_needed(self) -> None:
        """Keep what the kept ELF files need that were not looked at yet."""
        keeping = self._keeping
        kept = np.flatnonzero(self._elf & (keeping.why > 0)).tolist()
        fresh = [row for row in kept if row not in self._done]
        if not fresh:
            return
        self._look(fresh)
        for row in fresh:
            self._done.add(row)
            dynamic = self._dynamic.pop(row)
            if dynamic is not None:
                self._keep(keeping.paths[row], dynamic)

    def _look(self, rows: list[int]) -> None:
        missing = [row for row in rows if row not in self._dynamic]
        if not missing:
            return
        if not self._done:
            size = self._keeping.inventory.column("size")
            ahead = self._elf & path_facts(self._keeping.inventory).live & (size <= _READ_AHEAD)
            missing = sorted({*missing, *np.flatnonzero(ahead).tolist()})
        known = self._search.by_name.keys()
        takers = {row: DynamicTaker(known) for row in missing}
        self._read(takers)
        self._dynamic.update((row, taker.found) for row, taker in takers.items())

    def _keep(self, path: str, dynamic: Dynamic) -> None:
        keeping = self._keeping
        if dynamic.interpreter:
            keeping.keep_path(dynamic.interpreter, f"the loader that /{path} names")
        for name in dynamic.needed:
            for place in self._search.find(name, path, dynamic):
                keeping.keep_path(place, f"/{path} needs it")
        if not dynamic.read:
            keeping.note(f"/{path}: its dynamic section could not be read; every library that it names is kept")
            for name in sorted(dynamic.names):
                for place in self._search.find(name, path, dynamic):
                    keeping.keep_path(place, f"/{path} names it")
        if keeping.depth is not Depth.STRICT:
            stems = {_stem(path), *map(_stem, dynamic.needed)}
            for name in sorted(dynamic.names - set(dynamic.needed)):
                if not name.startswith(_NEVER) and _stem(name) not in stems:
                    for place in self._search.find(name, path, dynamic, dlopen=True):
                        keeping.keep_path(place, f"/{path} names it, perhaps to load it")


def _stem(path: str) -> str:
    """A library's name without version and the hash that auditwheel puts in; the old names stay in the bytes."""
    return _HASH.sub("", path.rpartition("/")[2].partition(".so")[0])
