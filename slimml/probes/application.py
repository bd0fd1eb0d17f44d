"""Which installed modules an image's Python application imports, read off its sources."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from slimml.inventory.owner import System
from slimml.oci import documents
from slimml.oci.scan import scan_image
from slimml.probes.programs import command_words
from slimml.probes.variables import image_variables

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Layer
    from slimml.oci.tar.events import Entry

_FILES, _FILE_BYTES = 1000, 1 << 20
_INSTALLED = re.compile(r"(?:site|dist)-packages/([^/]+)")
_MODULE = re.compile(r"([A-Za-z_][\w.]*)(?::[\w.]+(?:\(\))?)?")
_NOT_SERVED = re.compile(
    r"(?:^|/)(?:tests?|examples?|docs?|notebooks?)/|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest|setup)\.py$"
)


def imported_modules(inventory: Inventory) -> tuple[str, ...]:
    """Top-level names of installed modules that the application imports, sorted.

    Followed are the modules that the image's command names and those of the application that they import; where the
    command names none, all sources of the application but tests and examples.
    """
    installed = _installed(inventory)
    roots = _roots(inventory)
    sources = _sources(inventory, roots)
    if not installed or not sources:
        return ()
    entries = _entries(command_words(inventory.image), image_variables(inventory.image), sources, roots)
    pending = list(entries or (path for path in sources if not _NOT_SERVED.search(path)))
    seen = set(pending)
    found: set[str] = set()
    while pending:
        path = pending.pop()
        for name in _imports(sources[path], path):
            local = [place for root in (*roots, posixpath.dirname(path)) for place in _places(root, name)]
            own = [place for place in local if place in sources]
            if not own:
                found.add(name.partition(".")[0])
            pending += [place for place in own if place not in seen]
            seen.update(own)
    return tuple(sorted((found & installed) - sys.stdlib_module_names))


def python_of(inventory: Inventory) -> str | None:
    """The Python that the command runs, or the first on PATH: a name or path to execute; None where there is none."""
    words = command_words(inventory.image)
    if words and re.fullmatch(r"(?:.*/)?python[\d.]*", words[0]):
        return words[0]
    for directory in image_variables(inventory.image).get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":"):
        for name in ("python3", "python"):
            if f"{directory.strip('/')}/{name}" in inventory.live:
                return f"{directory.rstrip('/')}/{name}"
    return None


def _installed(inventory: Inventory) -> set[str]:
    found = set()
    for path in inventory.live:
        if match := _INSTALLED.search(path):
            name = match[1].partition(".")[0]
            if name.isidentifier():
                found.add(name)
    return found


def _roots(inventory: Inventory) -> tuple[str, ...]:
    """Directories, relative to the root, that the application's modules are imported from."""
    runtime = inventory.image.config.runtime
    directory = documents.text(runtime, "WorkingDir", "the image config", default="/") or "/"
    python_path = image_variables(inventory.image).get("PYTHONPATH", "").split(":")
    scripts = [
        posixpath.dirname(posixpath.join(directory, word))
        for word in command_words(inventory.image)
        if word.endswith(".py")
    ]
    found = [directory, f"{directory}/src", *scripts, *(path for path in python_path if path)]
    return tuple(dict.fromkeys(posixpath.normpath(f"/{path}").strip("/") for path in found))


def _sources(inventory: Inventory, roots: Sequence[str]) -> dict[str, bytes]:
    """The application's Python sources beneath the roots, by path. At the image's root only files right there."""
    sizes, owner = inventory.column("size"), inventory.owner
    wanted = {}
    for path, row in inventory.live.items():
        if not path.endswith(".py") or sizes[row] > _FILE_BYTES or "-packages/" in path:
            continue
        if inventory.owners[int(owner[row])].system is not System.APPLICATION:
            continue
        if any(path.startswith(f"{root}/") if root else "/" not in path for root in roots):
            wanted[path] = int(inventory.layer[row])
        if len(wanted) >= _FILES:
            break
    return _contents(inventory, wanted)


def _contents(inventory: Inventory, wanted: Mapping[str, int]) -> dict[str, bytes]:
    """Contents by path; only the layers (by number) that hold them are read."""
    layers = inventory.image.layers
    kept: dict[str, dict[str, bytes]] = {layers[number].diff_id: {} for number in set(wanted.values())}

    def visitor(layer: Layer) -> _Keeper:
        own = {path for path, number in wanted.items() if layers[number].diff_id == layer.diff_id}
        return _Keeper(own, kept[layer.diff_id])

    chosen = tuple(layer for layer in layers if layer.diff_id in kept)
    if chosen:
        scan_image(replace(inventory.image, layers=chosen), visitor)
    return {path: content for path, number in wanted.items() if (content := kept[layers[number].diff_id].get(path))}


class _Keeper:
    """A visitor that keeps the contents of some files."""

    def __init__(self, wanted: set[str], kept: dict[str, bytes]) -> None:
        self._wanted, self._kept = wanted, kept
        self._path: str | None = None

    def other(self, entry: Entry) -> None: ...

    def whole(self, entry: Entry, content: memoryview) -> None:
        if entry.path in self._wanted:
            self._kept[entry.path] = bytes(content)

    def begin(self, entry: Entry) -> None:
        self._path = entry.path if entry.path in self._wanted else None
        if self._path is not None:
            self._kept[self._path] = b""

    def data(self, piece: memoryview) -> None:
        if self._path is not None:
            self._kept[self._path] += bytes(piece)

    def end(self) -> None:
        self._path = None

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        if entry.path in self._wanted:
            with opener() as file:
                self._kept[entry.path] = file.read(_FILE_BYTES)

    def finish(self, tar_bytes: int) -> None: ...


def _entries(
    words: Sequence[str], variables: Mapping[str, str], sources: Mapping[str, bytes], roots: Sequence[str]
) -> list[str]:
    """The application's files that the command names: `app.py`, `app:app`, `-m app`, FLASK_APP."""
    found = []
    for word in (*words[1:], variables.get("FLASK_APP", "")):
        if match := _MODULE.fullmatch(word):
            found += [place for root in roots for place in _places(root, match[1])]
        if word.endswith(".py"):
            found += [posixpath.normpath(posixpath.join(f"/{root}", word)).lstrip("/") for root in roots]
    return [path for path in dict.fromkeys(found) if path in sources]


def _places(root: str, module: str) -> Iterable[str]:
    """Where the source of a module may lie beneath a directory, and of the package that it is in."""
    below = module.replace(".", "/")
    prefix = f"{root}/" if root else ""
    yield f"{prefix}{below}.py"
    yield f"{prefix}{below}/__init__.py"
    yield f"{prefix}{below}/__main__.py"
    if "/" in below:
        outer = below.rpartition("/")[0]
        yield f"{prefix}{outer}.py"
        yield f"{prefix}{outer}/__init__.py"


def _imports(source: bytes, path: str) -> set[str]:
    """The dotted names that a source imports; relative ones are its neighbours'. Empty for what is no Python."""
    try:
        # A stranger's odd escapes are nothing to warn of here.
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found.update(f"{module}.{alias.name}" if module else alias.name for alias in node.names)
    return found
