"""rpm's databases: sqlite and Berkeley DB files made by rpm and libdb themselves (fixtures/make_rpm_databases.sh)."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slimml.inventory.owners.rpm_databases import berkeley_blobs, ndb_blobs, sqlite_blobs
from slimml.inventory.owners.rpm_header import BrokenDatabase, header_of

FIXTURES = Path(__file__).parent / "fixtures"
SQLITE = gzip.decompress((FIXTURES / "rpmdb.sqlite.gz").read_bytes())
BERKELEY = gzip.decompress((FIXTURES / "Packages.gz").read_bytes())
FILES = {"usr/bin/alpha": "", "usr/share/alpha/file-2": "", "usr/share/beta/file-150": "", "usr/bin/mine": ""}
OWNERS = ["rpm:alpha", "rpm:alpha", "rpm:beta", "application"]


def ndb_file(blobs: list[bytes]) -> bytes:
    """An ndb file as rpm's lib/backend/ndb/rpmpkg.c lays it out: a page of slots, then blobs in units of 16 bytes."""
    slots, content = b"", b""
    for number, blob in enumerate(blobs, 1):
        units = (16 + len(blob) + 12 + 15) // 16
        slots += struct.pack("<4sIII", b"Slot", number, (4096 + len(content)) // 16, units)
        content += (struct.pack("<4sIII", b"BlbS", number, 0, len(blob)) + blob).ljust(units * 16, b"\0")
    empty = struct.pack("<4sIII", b"Slot", 0, 0, 0)
    header = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, 3, 0, 0, 0)
    return header + slots + empty * (254 - len(blobs)) + content


NDB = ndb_file(list(sqlite_blobs(SQLITE)))


@pytest.mark.parametrize(
    ("path", "database"),
    [
        ("var/lib/rpm/rpmdb.sqlite", SQLITE),
        ("usr/lib/sysimage/rpm/rpmdb.sqlite", SQLITE),
        ("var/lib/rpm/Packages", BERKELEY),
        ("var/lib/rpm/Packages.db", NDB),
    ],
)
def test_listed_files_belong_to_their_package(owned: Callable, path: str, database: bytes) -> None:
    root = owned({path: database} | FILES)
    assert [root.of(file) for file in FILES] == OWNERS


def test_a_database_behind_a_symlink_is_found(owned: Callable, to: Callable) -> None:
    tree = {"var/lib/rpm": to("../../usr/lib/sysimage/rpm"), "usr/lib/sysimage/rpm/Packages": BERKELEY}
    assert owned(tree | FILES).of("usr/bin/alpha") == "rpm:alpha"


def test_a_header_tells_version_and_relations() -> None:
    beta, alpha = (header_of(blob) for blob in sqlite_blobs(SQLITE))
    assert (alpha.name, alpha.version, alpha.summary) == ("alpha", "4:1.2-3", "The package alpha")
    assert "beta" in alpha.requires
    assert list(beta.provides) == ["beta", "virtual-beta"]


def test_what_rpm_asks_of_itself_is_no_requirement(owned: Callable) -> None:
    assert owned({"var/lib/rpm/rpmdb.sqlite": SQLITE}).owner("rpm:alpha").requires == ("beta",)


def test_all_formats_hold_the_same_headers() -> None:
    assert set(sqlite_blobs(SQLITE)) == set(berkeley_blobs(BERKELEY)) == set(ndb_blobs(NDB))


@pytest.mark.parametrize("name", ["rpmdb.sqlite", "Packages", "Packages.db"])
def test_an_unreadable_database_makes_system_files_unknown(owned: Callable, name: str) -> None:
    root = owned({f"var/lib/rpm/{name}": b"nonsense", "app/x": ""} | FILES)
    assert [root.of(path) for path in ("usr/bin/alpha", "app/x")] == ["unknown:rpm", "application"]


def test_changes_that_sqlite_has_not_merged_yet_make_other_files_unknown(owned: Callable) -> None:
    root = owned({"var/lib/rpm/rpmdb.sqlite": SQLITE, "var/lib/rpm/rpmdb.sqlite-wal": b"x"} | FILES)
    assert (root.of("usr/bin/alpha"), root.of("usr/bin/mine")) == ("rpm:alpha", "unknown:rpm")


def test_a_table_that_is_a_program_is_not_run() -> None:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIEW Packages AS WITH RECURSIVE n(hnum) AS (SELECT 1 UNION ALL SELECT hnum FROM n)"
        " SELECT hnum, x'00' AS blob FROM n"
    )
    with pytest.raises(BrokenDatabase, match="no table Packages"):
        list(sqlite_blobs(connection.serialize()))


def test_a_chain_of_pages_that_never_ends_is_noticed() -> None:
    damaged = bytearray(BERKELEY)
    for page in range(4096, len(damaged), 4096):
        if damaged[page + 25] == 7:
            damaged[page + 16 : page + 20] = (page // 4096).to_bytes(4, "little")
    with pytest.raises(BrokenDatabase):
        list(berkeley_blobs(bytes(damaged)))


@pytest.mark.parametrize(("read", "data"), [(sqlite_blobs, SQLITE), (berkeley_blobs, BERKELEY), (ndb_blobs, NDB)])
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_ends_in_one_kind_of_error(read: Callable, data: bytes, draws: st.DataObject) -> None:
    damaged = bytearray(data[: draws.draw(st.integers(0, len(data)))] if draws.draw(st.booleans()) else data)
    for _ in range(draws.draw(st.integers(1, 8))):
        # Formats keep their bookkeeping where pages begin.
        at = draws.draw(st.integers(0, len(data) // 4096)) * 4096 + draws.draw(st.integers(0, 120))
        damaged[at : at + 1] = bytes([draws.draw(st.integers(0, 255))])
    try:
        for blob in read(bytes(damaged)):
            header_of(blob)
    except BrokenDatabase:
        pass
