"""Shared libraries that nothing in the image needs or names: not DT_NEEDED, not a string that dlopen could be given.

To know it, all ELF files and the texts of programs are read, which is why it is not among the detectors that look at
the file table alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.path_facts import path_facts
from slimml.bloat.plugin_systems import is_plugin
from slimml.bloat.rules import DEAD_LIBRARIES
from slimml.inventory.elf_dynamic import DynamicTaker
from slimml.inventory.form import ELF_EXECUTABLE, ELF_SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slimml.inventory.read_rows import Read, Taker
    from slimml.inventory.table import Inventory

_LIBRARY = re.compile(r"lib[\w.+-]+?\.so[.\d]*", re.ASCII)
_MODULE = re.compile(r"\.(?:cpython-|abi3|pypy)")
_OF_THE_C_LIBRARY = frozenset(
    {"libc6", "libc-bin", "glibc", "glibc-common", "musl", "libgcc-s1", "libstdc++6", "libgcc"}
)
"""packages whose libraries every program may count on, built long ago or copied in"""
_PLUGIN_DIRECTORIES = ("/plugin", "/plugins")
_HASH = re.compile(r"-[0-9a-f]{6,}(?:-[0-9a-f.]+)?$")
_TEXTS = ("py", "pth", "json", "sh", "cfg", "conf", "ini", "toml", "yaml", "yml", "txt", "icd", "la", "pc", "preload")
_TEXT_BYTES = 2 << 20
_EXECUTABLE = 0o111
_NAMED = re.compile(rb"lib([\w+-]+)|(?:find_library|CDLL|dlopen|load_library)\(\s*[rb]?[\"']([\w+-]+)", re.ASCII)


class DeadLibraries:
    """A detector (slimml.bloat.finding.Detector) that reads what it needs through `read`; it raises what that does."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def __call__(self, inventory: Inventory) -> Iterator[Proposal]:
        """A finding that tells, where there is such a library."""
        rows = _dead(inventory, self._read)
        if rows:
            yield Proposal(
                DEAD_LIBRARIES,
                "Shared libraries that nothing in the image needs or names",
                Risk.ASK,
                Action.TELL,
                np.array(rows, dtype=np.int64),
                "Leave out what brings them. slimml optimize --record takes those that are not used while it watches.",
                "no ELF file lists them (DT_NEEDED), no program or configuration names them; a program may still put "
                "such a name together while it runs",
            )


def _dead(inventory: Inventory, read: Read) -> list[int]:
    facts = path_facts(inventory)
    paths = inventory.paths
    elf = np.flatnonzero(facts.files & facts.of_form(ELF_SHARED, ELF_EXECUTABLE)).tolist()
    libraries = [row for row in elf if _may_be_dead(inventory, row)]
    if not libraries:
        return []
    known = {path.rpartition("/")[2] for path in inventory.live if ".so" in path}
    native = {row: DynamicTaker(known) for row in elf}
    native_rows = np.isin(np.arange(len(paths)), elf)
    programs = facts.suffixed(*_TEXTS) | ((inventory.column("mode") & _EXECUTABLE) != 0)
    chosen = facts.files & programs & ~native_rows & (facts.size <= _TEXT_BYTES)
    texts = {row: _Names() for row in np.flatnonzero(chosen).tolist()}
    takers: dict[int, Taker] = {**native, **texts}
    read(takers)
    named = set[str]()
    for row, taker in native.items():
        if taker.found is not None:
            own = stem(paths[row])
            named.update(found for name in (*taker.found.needed, *taker.found.names) if (found := stem(name)) != own)
    for text in texts.values():
        named |= text.found
    return [row for row in libraries if stem(paths[row]) not in named]


def _may_be_dead(inventory: Inventory, row: int) -> bool:
    path, owner = inventory.paths[row], inventory.owners[int(inventory.owner[row])]
    directory, _, name = path.rpartition("/")
    return bool(
        not directory.endswith(_PLUGIN_DIRECTORIES)
        and _LIBRARY.fullmatch(name)
        and not _MODULE.search(name)
        and owner.name.partition(":")[0] not in _OF_THE_C_LIBRARY
        and not is_plugin(path)
    )


def stem(path: str) -> str:
    """A library's name without its version and the hash that auditwheel puts in: `libfoo` of `libfoo-1a2b3c4d.so.1`."""
    return _HASH.sub("", path.rpartition("/")[2].partition(".so")[0])


class _Names:
    """Takes a text (slimml.inventory.read_rows.Taker): the stems of all libraries that it may mean."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._content = b""

    def begin(self, size: int) -> None:
        """Forget what was seen: the file begins."""
        del size
        self._content, self.found = b"", set()

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        self._content += bytes(piece)

    def end(self) -> None:
        """Find the names."""
        content, self._content = self._content, b""
        if b"lib" in content or b"CDLL" in content or b"dlopen" in content:
            for library, loaded in _NAMED.findall(content):
                self.found.add("lib" + (library or loaded.removeprefix(b"lib")).decode("ascii"))
