"""dpkg: the status database, file lists and diversions (dpkg(1), deb-control(5)); status.d of distroless images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from slimml.inventory.owner import Owner, System
from slimml.inventory.owners.package import PACKAGES, Found, Package, text_of
from slimml.inventory.owners.stanzas import Fields, first, stanza, stanzas
from slimml.inventory.root import Root

_ADMIN = "var/lib/dpkg"
_STATUS = f"{_ADMIN}/status"
_STATUS_D = f"{_ADMIN}/status.d"
_INFO = f"{_ADMIN}/info"
_EXTENDED = "var/lib/apt/extended_states"
_SUMS = ".md5sums"
_GONE = frozenset({"not-installed", "config-files"})


@dataclass(frozen=True)
class _Diversion:
    to: str
    by: str


def read(root: Root) -> Found:
    """dpkg's packages. Removed ones that left configuration behind are among them, requiring nothing."""
    status = root.captured.get(_STATUS)
    if status is None:
        if _STATUS in root.live:
            return Found(unreadable=_STATUS)
        status = b""
    found = [fields for fields in islice(stanzas(text_of(status)), PACKAGES) if _state(fields) != "not-installed"]
    packages, unlisted = _from_status(root, [fields for fields in found if first(fields, "Package")])
    single, unlisted_too = _from_status_d(root)
    unlisted += unlisted_too
    missing = f"{_ADMIN}: no list of files for {len(unlisted)} packages, {unlisted[0]} among them" if unlisted else ""
    return Found([*packages, *single], missing)


def _from_status(root: Root, found: list[Fields]) -> tuple[list[Package], list[str]]:
    """Packages of the status file, and the names of installed ones whose list of files is not there."""
    info: dict[str, list[str]] = {}
    for path in root.beneath(_INFO):
        info.setdefault(path[len(_INFO) + 1 :].rpartition(".")[0], []).append(path)
    architectures: dict[str, int] = {}
    for fields in found:
        architectures[first(fields, "Package")] = architectures.get(first(fields, "Package"), 0) + 1
    automatic = _automatic(root)
    listing = _Listing(root)
    packages, unlisted = [], []
    for fields in found:
        name, architecture = first(fields, "Package"), first(fields, "Architecture")
        qualified = f"{name}:{architecture}"
        stem = qualified if f"{_INFO}/{qualified}.list" in root.live else name
        listed = root.captured.get(f"{_INFO}/{stem}.list")
        if listed is None and _state(fields) not in _GONE:
            unlisted.append(name)
        own = info.get(stem, [])
        files = [*(listing.paths(listed, name) if listed else ()), *own]
        beside = root.beneath(_ADMIN if name == "dpkg" else f"usr/share/doc/{name}")
        owner = _owner(
            fields,
            qualified if architectures[name] > 1 else name,
            place=f"{_INFO}/{stem}.list",
            automatic=None if automatic is None else (name, architecture) in automatic or (name, "all") in automatic,
            database=tuple(path for path in own if path in root.live),
        )
        packages.append(Package(owner, files, beside))
    return packages, unlisted


def _from_status_d(root: Root) -> tuple[list[Package], list[str]]:
    """Packages of an image without dpkg: a file each, and beside it the sums of its files; and those without sums."""
    packages, unlisted = [], []
    for path in root.beneath(_STATUS_D):
        content = root.captured.get(path)
        if content is None or path.endswith(_SUMS):
            continue
        fields = stanza(text_of(content).strip("\n"))
        name = first(fields, "Package")
        if not name:
            continue
        sums = f"{path}{_SUMS}"
        if sums not in root.captured:
            unlisted.append(name)
        listed = [line.partition("  ")[2] for line in text_of(root.captured.get(sums, b"")).split("\n")]
        database = tuple(own for own in (path, sums) if own in root.live)
        files = [*root.places(line.strip("/") for line in listed if line), *database]
        owner = _owner(fields, name, place=path, automatic=None, database=database)
        packages.append(Package(owner, files, root.beneath(f"usr/share/doc/{name}")))
    return packages, unlisted


def _owner(fields: Fields, name: str, place: str, automatic: bool | None, database: tuple[str, ...]) -> Owner:
    installed = _state(fields) not in _GONE
    essential = (
        first(fields, "Essential") == "yes"
        or first(fields, "Protected") == "yes"
        or first(fields, "Important") == "yes"
        or first(fields, "Priority") == "required"
    )
    needed = (*_alternatives(first(fields, "Pre-Depends")), *_alternatives(first(fields, "Depends")))
    return Owner(
        System.DPKG,
        name,
        first(fields, "Version"),
        place,
        first(fields, "Section"),
        first(fields, "Description").partition("\n")[0],
        essential and installed,
        automatic,
        tuple(dict.fromkeys(needed)) if installed else (),
        tuple(_alternatives(first(fields, "Provides"))) if installed else (),
        database,
    )


def _state(fields: Fields) -> str:
    """The third word of Status; packages of status.d have none, and are there."""
    return first(fields, "Status").rpartition(" ")[2] or "installed"


def _alternatives(relations: str) -> Iterable[str]:
    """Each relation of a dependency field as its bare names, alternatives joined by `|`."""
    for relation in relations.split(","):
        names = [part.split("(", 1)[0].split("[", 1)[0].strip().split(":", 1)[0] for part in relation.split("|")]
        if any(names):
            yield "|".join(name for name in names if name)


def _automatic(root: Root) -> set[tuple[str, str]] | None:
    """Packages (name, architecture) that APT installed only as dependencies; None where APT does not say."""
    states = root.captured.get(_EXTENDED)
    if states is None:
        return None
    return {
        (first(fields, "Package"), first(fields, "Architecture"))
        for fields in stanzas(text_of(states))
        if first(fields, "Auto-Installed") == "1"
    }


class _Listing:
    """Turns lists of files into paths of the root: diverted files (dpkg-divert(1)) and a merged /usr."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._directories: dict[str, str] = {"": ""}
        self._diversions = _diversions(root)

    def paths(self, listed: bytes, package: str) -> list[str]:
        """The files of a package, from its list of absolute paths, one a line."""
        known = self._directories
        found = []
        for line in text_of(listed).split("\n"):
            parent, _, name = line.rpartition("/")
            directory = known.get(parent)
            if directory is None:
                resolved = self._root.resolve(parent[1:])
                directory = known[parent] = f"{resolved}/" if resolved else ""
            found.append(directory + name)
        return self._diverted(found, package) if self._diversions else found

    def _diverted(self, found: list[str], package: str) -> list[str]:
        diverted = self._diversions.keys() & found
        if not diverted:
            return found
        divert = {path: it.to for path, it in self._diversions.items() if path in diverted and it.by != package}
        return [divert.get(path, path) for path in found]


def _diversions(root: Root) -> Mapping[str, _Diversion]:
    """Diverted paths: three lines each, the path, where it lies instead, the package that the path is kept for."""
    lines = text_of(root.captured.get(f"{_ADMIN}/diversions", b"")).split("\n")
    triples = zip(lines[0::3], lines[1::3], lines[2::3], strict=False)
    return {root.place(path.strip("/")): _Diversion(root.place(to.strip("/")), by) for path, to, by in triples}
