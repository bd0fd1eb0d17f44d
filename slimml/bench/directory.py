"""A directory of this machine that is measured in an image's place: how large it is, and whose its modules are."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bench.module_names import SUFFIXES, module_name

if TYPE_CHECKING:
    from slimml.oci.image import Image

_PLACES = frozenset({"site-packages", "dist-packages"})
"""where Python keeps what was installed"""
_ASK_SECONDS = 60


@dataclass(frozen=True)
class Directory:
    """`bytes` are those of its regular files, each once however many names it has, `files` the names; other file
    systems below it do not count. `unread` is how many directories this user may not list.

    `modules` are names of Python modules with those of their distributions.
    """

    image: Image
    bytes: int = 0
    files: int = 0
    unread: int = 0
    modules: Mapping[str, str] = field(default_factory=dict)


def look_into(image: Image, path: Path, *, venv: bool) -> Directory:
    """The facts of the directory `path`, for which `image` stands. The Python of a `venv` is asked where its modules
    are, which may be outside; those of a root are looked for. Links are not followed.
    """
    size = names = 0
    several: set[int] = set()
    places: list[Path] = []
    unread: list[OSError] = []
    device = path.stat().st_dev
    for parent, below, files in os.walk(path, onerror=unread.append):
        below[:] = [name for name in below if (found := _status(parent, name)) and found.st_dev == device]
        places += [Path(parent, name) for name in below if name in _PLACES]
        for status in (_status(parent, name) for name in files):
            if status is None or not stat.S_ISREG(status.st_mode):
                continue
            names += 1
            if status.st_ino not in several:
                size += status.st_size
            if status.st_nlink > 1:
                several.add(status.st_ino)
    told = _places_of(path / "bin/python") if venv else []
    return Directory(image, size, names, len(unread), modules_in(told or places))


def modules_in(places: Iterable[Path]) -> dict[str, str]:
    """The modules that distributions in these directories say they have; earlier ones hide later ones, as on Python's
    path.
    """
    found: dict[str, str] = {}
    for one in distributions(path=[str(place) for place in places]):
        try:
            name = re.sub(r"[-_.]+", "-", one.metadata["Name"] or "").lower()
            modules = list(_modules_of(one, name))
        except (OSError, ValueError):
            continue
        for module in modules if name else ():
            found.setdefault(module, name)
    return found


def _status(parent: str, name: str) -> os.stat_result | None:
    """None for what went while it was looked at."""
    try:
        return os.lstat(os.path.join(parent, name))
    except OSError:
        return None


def _places_of(python: Path) -> list[Path]:
    """Where an interpreter looks for what was installed; nothing where it does not say."""
    ask = (str(python), "-I", "-c", r"import sys; print('\n'.join(sys.path))")
    try:
        said = subprocess.run(ask, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True).stdout
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return [place for place in map(Path, said.splitlines()) if place.name in _PLACES]


def _modules_of(distribution: Distribution, name: str) -> Iterable[str]:
    """By its list of files, else by what it says of itself, else by its name."""
    files = distribution.files
    if files:
        return (module_name(str(file)) for file in files if str(file).endswith(SUFFIXES))
    return (distribution.read_text("top_level.txt") or name.replace("-", "_")).split()
