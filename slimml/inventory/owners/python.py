"""Python distributions: `.dist-info` with RECORD, `.egg-info`, unpacked eggs and editable installs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace

from slimml.inventory.owner import Owner, System
from slimml.inventory.owners import conda
from slimml.inventory.owners.package import Found, Package, beneath_root, text_of
from slimml.inventory.owners.python_metadata import (
    Metadata,
    listed_beside,
    metadata_of,
    normalised,
    recorded,
    requires_of_egg,
)
from slimml.inventory.root import Root

_EGG_LINK = ".egg-link"
_SITES = ("site-packages", "dist-packages")
_TELLS_REQUESTED = frozenset({"pip", "uv"})
_SOURCE_DIRECTORIES = ("src/", "lib/", "python/")


def read(root: Root, taken: Mapping[str, int]) -> Found:
    """Installed distributions. `taken` are the paths that other systems' packages own: those stay theirs.

    A distribution that an OS or conda package brought is here too, without files, for others require it. Not here are
    copies inside another distribution (vendored) and in the caches of conda and uv. The sources of an editable install
    are the application's; the distribution owns its metadata alone.
    """
    packages: list[Package] = []
    vendored: set[str] = set()
    links = _egg_links(root)
    found = _directories(root, links.keys())
    for directory in sorted(found, key=lambda path: (path.count("/"), path)):
        if directory in vendored or not _installed(root, directory, taken):
            continue
        package = found[directory](root, directory)
        vendored.update(
            inner for file in package.files if "-info/" in file and (inner := file.rpartition("/")[0]) != directory
        )
        link = links.get(directory.rpartition("/")[0], ())
        own_links = [
            path for path in link if normalised(path.rpartition("/")[2][: -len(_EGG_LINK)]) == package.owner.name
        ]
        package = replace(package, files=[*package.files, *own_links])
        database = tuple(path for path in (*package.owner.database, *own_links) if path not in taken)
        packages.append(replace(package, owner=replace(package.owner, database=database)))
    return Found(_told_automatic(root, packages))


def _egg_links(root: Root) -> dict[str, list[str]]:
    """Source directories of editable installs (setuptools' "develop"), and the files that link to each."""
    found: dict[str, list[str]] = {}
    for path, content in root.captured.items():
        if path.endswith(_EGG_LINK):
            source = beneath_root(text_of(content).split("\n", 1)[0].strip())
            found.setdefault(root.resolve(source), []).append(path)
    return found


def _linked_name(path: str) -> str:
    return normalised(path.rpartition("/")[2].removesuffix(_EGG_LINK))


def _directories(root: Root, linked: Set[str]) -> dict[str, Callable[[Root, str], Package]]:
    """Each metadata directory (or single file) in the root, and what reads it."""
    skipped = conda.caches(root)
    found: dict[str, Callable[[Root, str], Package]] = {}
    for path in root.captured:
        directory = path.rpartition("/")[0]
        if skipped and path.startswith(skipped):
            continue
        if directory.endswith(".dist-info"):
            found[directory] = _of_dist_info
        elif directory.endswith(".egg-info"):
            site = directory.rpartition("/")[0]
            if site.endswith(_SITES) or site in linked:
                found[directory] = _of_egg_info
        elif directory.endswith(".egg/EGG-INFO"):
            found[directory] = _of_egg
        elif path.endswith(".egg-info"):
            found[path] = _of_egg_file
    return found


def _installed(root: Root, directory: str, taken: Mapping[str, int]) -> bool:
    """Is it an installation of its own? Wheels unpacked in a cache have no INSTALLER."""
    site = directory.rpartition("/")[0]
    if site.endswith(_SITES):
        return True
    names = ("METADATA", "RECORD", "PKG-INFO")
    if any(f"{directory}/{name}" in taken for name in names):
        return False
    return not directory.endswith(".dist-info") or f"{directory}/INSTALLER" in root.live


def _of_dist_info(root: Root, directory: str) -> Package:
    site = directory.rpartition("/")[0]
    metadata = metadata_of(root.captured.get(f"{directory}/METADATA", b""), directory)
    listed = recorded(root.captured.get(f"{directory}/RECORD", b""), site)
    files = [root.place(file) if not file.startswith(site) else file for file in listed]
    return Package(_owner(root, metadata, directory), files, [directory, *root.beneath(directory)])


def _of_egg_info(root: Root, directory: str) -> Package:
    site = directory.rpartition("/")[0]
    content = root.captured.get(f"{directory}/PKG-INFO", b"")
    metadata = metadata_of(content, directory)
    requires = requires_of_egg(root.captured.get(f"{directory}/requires.txt", b""))
    metadata = replace(metadata, requires=metadata.requires or requires)
    listed = root.captured.get(f"{directory}/installed-files.txt")
    if listed is not None:
        files: Sequence[str] = listed_beside(listed, directory)
    elif site.endswith(_SITES):
        files = list(_from_sources(root, directory, site))
    else:
        files = ()
    return Package(_owner(root, metadata, directory), root.places(files), [directory, *root.beneath(directory)])


def _from_sources(root: Root, directory: str, site: str) -> Iterator[str]:
    """Of the files in SOURCES.txt, which are those of the source tree, the ones that were installed."""
    tops = tuple(
        f"{top}{end}"
        for top in text_of(root.captured.get(f"{directory}/top_level.txt", b"")).split()
        for end in ("/", ".py")
    )
    for line in text_of(root.captured.get(f"{directory}/SOURCES.txt", b"")).split("\n"):
        source = line.strip()
        for prefix in _SOURCE_DIRECTORIES:
            source = source.removeprefix(prefix)
        path = f"{site}/{source}"
        if source.startswith(tops) and path in root.live:
            yield path


def _of_egg(root: Root, directory: str) -> Package:
    egg = directory.rpartition("/")[0]
    metadata = metadata_of(root.captured.get(f"{directory}/PKG-INFO", b""), egg)
    requires = requires_of_egg(root.captured.get(f"{directory}/requires.txt", b""))
    metadata = replace(metadata, requires=metadata.requires or requires)
    return Package(_owner(root, metadata, directory), (), [egg, *root.beneath(egg)])


def _of_egg_file(root: Root, path: str) -> Package:
    metadata = metadata_of(root.captured[path], path)
    owner = Owner(System.PYTHON, metadata.name, metadata.version, path, database=(path,), summary=metadata.summary)
    return Package(owner, [path])


def _owner(root: Root, metadata: Metadata, directory: str) -> Owner:
    return Owner(
        System.PYTHON,
        metadata.name,
        metadata.version,
        directory,
        summary=metadata.summary,
        requires=metadata.requires,
        database=tuple(path for path in root.beneath(directory) if path in root.live),
    )


def _told_automatic(root: Root, packages: Sequence[Package]) -> list[Package]:
    """The packages, told whether they came as dependencies where the installer of their directory records that.

    pip and uv leave a REQUESTED beside what was asked for by name (PEP 376); old versions of pip never did.
    """
    telling = {
        package.owner.place.rpartition("/")[0]
        for package in packages
        if f"{package.owner.place}/REQUESTED" in root.live
    }  # fmt: skip
    told = []
    for package in packages:
        place = package.owner.place
        automatic: bool | None = None
        if f"{place}/REQUESTED" in root.live:
            automatic = False
        elif place.rpartition("/")[0] in telling:
            installer = text_of(root.captured.get(f"{place}/INSTALLER", b"")).strip()
            automatic = True if installer in _TELLS_REQUESTED else None
        told.append(replace(package, owner=replace(package.owner, automatic=automatic)))
    return told
