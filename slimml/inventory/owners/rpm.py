"""rpm: the packages of an rpm database, whichever of its three formats it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slimml.inventory.owner import Owner, System
from slimml.inventory.owners.package import Found, Package
from slimml.inventory.owners.rpm_databases import berkeley_blobs, ndb_blobs, sqlite_blobs
from slimml.inventory.owners.rpm_header import BrokenDatabase, RpmHeader, header_of
from slimml.inventory.root import Root

_DIRECTORIES = ("usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm")
_FORMATS: tuple[tuple[str, Callable[[bytes], Iterator[bytes]]], ...] = (
    ("rpmdb.sqlite", sqlite_blobs),
    ("Packages.db", ndb_blobs),
    ("Packages", berkeley_blobs),
)


def read(root: Root) -> Found:
    """rpm's packages, of the first database found: the newest format, in the newest place."""
    for directory in _DIRECTORIES:
        for name, blobs_of in _FORMATS:
            place = f"{root.resolve(directory)}/{name}"
            if place in root.live:
                return _from_database(root, place, blobs_of)
    return Found()


def _from_database(root: Root, place: str, blobs_of: Callable[[bytes], Iterator[bytes]]) -> Found:
    data = root.captured.get(place)
    if data is None:
        return Found(unreadable=place)
    packages = []
    try:
        for blob in blobs_of(data):
            header = header_of(blob)
            if header.name != "gpg-pubkey":
                packages.append(_package(root, header, place))
    except BrokenDatabase as error:
        return Found(packages, f"{place}: {error}")
    if root.captured.get(f"{place}-wal"):
        return Found(packages, f"{place}-wal: changes not yet written to the database")
    return Found(packages)


def _package(root: Root, header: RpmHeader, place: str) -> Package:
    directories = [root.resolve(directory) for directory in header.directories]
    files = [
        f"{directories[number]}/{name}" if directories[number] else name
        for name, number in zip(header.names, header.directory_numbers, strict=True)
    ]
    owner = Owner(
        System.RPM,
        header.name,
        header.version,
        place,
        section=header.group,
        summary=header.summary,
        requires=tuple(dict.fromkeys(name for name in header.requires if not name.startswith("rpmlib("))),
        provides=tuple(dict.fromkeys(header.provides)),
    )
    return Package(owner, files, root.beneath(place.rpartition("/")[0]) if header.name == "rpm" else ())
