"""Where the dynamic loader looks for a library: ld.so(8), ld.so.conf of ldconfig(8), and musl's path file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from slimml.inventory.owners.package import text_of

if TYPE_CHECKING:
    from slimml.inventory.elf_dynamic import Dynamic
    from slimml.usage.closure.keeping import Keeping
    from slimml.usage.closure.texts import Texts

_TRUSTED = ("lib64", "lib", "usr/lib64", "usr/lib", "usr/local/lib", "lib32", "usr/lib32")
_TRIPLETS = {
    "amd64": "x86_64-linux-gnu",
    "arm64": "aarch64-linux-gnu",
    "386": "i386-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
}
_CONF = "etc/ld.so.conf"
_INCLUDES = 8
"""rounds of `include` in the configuration that are followed"""


class SearchPath:
    """The directories of an image; a library is looked for as the loader would do it, then by its name alone."""

    def __init__(self, keeping: Keeping, texts: Texts, variables: Mapping[str, str]) -> None:
        self._keeping = keeping
        self._from_environment = [path for path in variables.get("LD_LIBRARY_PATH", "").split(":") if path]
        triplet = _TRIPLETS.get(keeping.inventory.image.config.platform.architecture)
        multiarch = [f"{directory}/{triplet}" for directory in ("lib", "usr/lib")] if triplet else []
        self.directories = tuple(dict.fromkeys([*_configured(keeping, texts), *multiarch, *_TRUSTED]))
        self._variants = _hardware_variants(keeping)
        self.by_name = _shared_objects(keeping)

    def find(self, name: str, path: str, dynamic: Dynamic, *, dlopen: bool = False) -> list[str]:
        """Paths of library `name` as the ELF file at `path` would find it; all its variants for other hardware too.

        RPATH of a program counts for its libraries and a loaded library is found by its name alone, so that what no
        directory has is taken from wherever it lies among the files of Python distributions and the application.
        """
        if "/" in name:
            return [name] if self._keeping.way(name) else []
        origin = posixpath.dirname(path)
        own = list(_substituted([*dynamic.rpath, *dynamic.runpath], origin))
        searched = [*own, *self._from_environment, *([origin] if dlopen else []), *self.directories]
        for directory in dict.fromkeys(posixpath.normpath(f"/{one}").strip("/") for one in searched):
            found = [place for place in self._places(directory, name) if self._keeping.way(place)]
            if found:
                return found
        if name not in self.by_name:
            return []
        return self._anywhere(name, origin, dlopen=dlopen)

    def _places(self, directory: str, name: str) -> Iterator[str]:
        yield f"{directory}/{name}"
        for variant in self._variants.get(self._keeping.root.resolve(directory), ()):
            yield f"{variant}/{name}"

    def _anywhere(self, name: str, origin: str, *, dlopen: bool) -> list[str]:
        site = _site(origin)
        paths = self.by_name[name]
        if dlopen:
            # A name among many bytes is a weak sign: only neighbours in the same distribution count.
            return [path for path in paths if site and path.startswith(f"{site}/{_top(origin, site)}")]
        return [path for path in paths if _site(path)] or paths


def _shared_objects(keeping: Keeping) -> dict[str, list[str]]:
    """Live paths of what is called like a shared object, by name, sorted."""
    found: dict[str, list[str]] = {}
    for path, row in keeping.live.items():
        name = path[path.rfind("/") + 1 :]
        if ".so" in name and not keeping.is_directory[row]:
            found.setdefault(name, []).append(path)
    return {name: sorted(paths) for name, paths in found.items()}


def _hardware_variants(keeping: Keeping) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for directory in keeping.below:
        outer, _, _ = directory.rpartition("/")
        if outer.endswith("/glibc-hwcaps"):
            found.setdefault(outer.removesuffix("/glibc-hwcaps"), []).append(directory)
    return found


def _site(path: str) -> str:
    for name in ("/site-packages", "/dist-packages"):
        before, found, after = path.partition(name)
        if found and after[:1] in ("/", ""):
            return before + found
    return ""


def _top(origin: str, site: str) -> str:
    return origin.removeprefix(site).strip("/").partition("/")[0].partition(".")[0]


def _substituted(paths: Iterable[str], origin: str) -> Iterator[str]:
    for path in paths:
        for word in ("$ORIGIN", "${ORIGIN}"):
            path = path.replace(word, f"/{origin}")
        for library in ("lib64", "lib") if "$LIB" in path or "${LIB}" in path else ("",):
            yield path.replace("${LIB}", library).replace("$LIB", library)


def configuration_rows(keeping: Keeping) -> list[int]:
    """Files that the loader's configuration is likely to be in."""
    places = [keeping.paths[row] for row in keeping.below.get(f"{_CONF}.d", ())]
    return [keeping.live[path] for path in (*_in_etc(keeping), *places)]


def _in_etc(keeping: Keeping) -> list[str]:
    paths = sorted(keeping.paths[row] for row in keeping.below.get("etc", ()))
    return [path for path in paths if path == _CONF or fnmatchcase(path, "etc/ld-musl-*.path")]


def _configured(keeping: Keeping, texts: Texts) -> list[str]:
    """Directories of ld.so.conf with all it includes, and of musl's path files."""
    musl = [path for path in _in_etc(keeping) if path.endswith(".path")]
    pending = [path for path in (_CONF, *musl) if path in keeping.live]
    seen: set[str] = set()
    found: list[str] = []
    for _ in range(_INCLUDES):
        rows = {path: way[-1] for path in pending if path not in seen and (way := keeping.way(path))}
        seen.update(rows)
        contents = texts.read(rows.values())
        pending = []
        for path, row in rows.items():
            directories, included = _lines(text_of(contents.get(row, b"")), path)
            found += directories
            pending += [live for pattern in included for live in _matching(keeping, pattern)]
        if not pending:
            break
    return found


def _lines(text: str, path: str) -> tuple[list[str], list[str]]:
    directories, included = [], []
    for line in text.replace(":", "\n").split("\n"):
        words = line.partition("#")[0].split()
        if words[:1] == ["include"]:
            included += [posixpath.normpath(posixpath.join("/", posixpath.dirname(path), word)) for word in words[1:]]
        elif words:
            directories.append(words[0].strip("/"))
    return directories, included


def _matching(keeping: Keeping, pattern: str) -> Sequence[str]:
    pattern = pattern.lstrip("/")
    directory = posixpath.dirname(pattern)
    paths = (keeping.paths[row] for row in keeping.below.get(directory, ()))
    return sorted(path for path in paths if fnmatchcase(path, pattern))
