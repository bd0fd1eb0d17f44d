"""Strips a shared library or a program so that it loads as before, also where patchelf edited it.

GNU strip lays a file out by its sections and leaves some of those that auditwheel and patchelf made unloadable. Here
the segments are what counts, as for the loader.
"""

from __future__ import annotations

from pathlib import Path

from slimml.native.outcome import Outcome
from slimml.native.relayout import relayout

STRIP_VERSION = 1
"""changes whenever the same file may be stripped to other bytes: part of a cache's key"""


def strip_file(source: Path, target: Path) -> Outcome:
    """Write `source` without symbols, debug information and gaps to `target`, or tell why it is Left as it is.

    Of the outcome's kinds, "symbols" are the tables that only debuggers, profilers and linkers read (names that
    programs look up are elsewhere and stay), "debug" is DWARF and the like. A file that was stripped is Left. Raises
    OSError where files cannot be read or written.
    """
    return relayout(source, target)
