"""Headers that slimml writes are read back, by our reader and by tarfile, as what they were written for."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.reader import TarReader
from slimml.oci.tar.writer import TRAILER, OwnerNames, entry_header, owner_names, padding_after


class _Seen:
    def __init__(self):
        self.entries = []

    def other(self, entry):
        self.entries.append(entry)

    def whole(self, entry, content):
        self.entries.append(entry)

    def finish(self, tar_bytes):
        self.tar_bytes = tar_bytes


def entry(path="a/b", kind=Kind.FILE, size=0, **more):
    fields = {"mode": 0o644, "uid": 0, "gid": 0, "mtime": 1_700_000_000, "link": "", "offset": 0, "data_offset": 0}
    return Entry(path, kind, size, **(fields | {"stored": size} | more))


def read_back(data):
    seen = _Seen()
    reader = TarReader(seen, "test")
    reader.feed(data + TRAILER)
    reader.finish()
    (found,) = seen.entries
    return found


def same(found, expected):
    fields = ("path", "kind", "size", "mode", "uid", "gid", "mtime", "link", "device")
    return all(getattr(found, f) == getattr(expected, f) for f in fields)


_component = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="/"), min_size=1, max_size=60
)
_paths = st.lists(
    _component.filter(lambda c: c not in (".", "..") and not c.startswith(".wh.")), min_size=1, max_size=7
).map("/".join)


@given(
    path=_paths,
    kind=st.sampled_from([k for k in Kind if k not in (Kind.OTHER, Kind.HARDLINK, Kind.SYMLINK)]),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 1 << 40),
    gid=st.integers(0, 1 << 40),
    mtime=st.integers(-(1 << 40), 1 << 40),
)
def test_what_is_written_is_read_back(path, kind, mode, uid, gid, mtime):
    written = entry(path, kind, 0, mode=mode, uid=uid, gid=gid, mtime=mtime)
    assert same(read_back(entry_header(written)), written)


@given(path=_paths, link=_paths, kind=st.sampled_from([Kind.HARDLINK, Kind.SYMLINK]))
def test_links_of_any_length_are_read_back(path, link, kind):
    written = entry(path, kind, link=link)
    assert same(read_back(entry_header(written)), written)


def test_a_size_past_the_octal_field_becomes_a_pax_record():
    header = entry_header(entry(size=8**11))
    assert b"size=8589934592\n" in header


def test_tarfile_reads_the_same_entry():
    written = entry("d" * 90 + "/" + "f" * 120, size=3, uid=8**7, pax={"SCHILY.xattr.user.x": b"1"})
    data = entry_header(written, OwnerNames(b"root", b"staff")) + b"abc" + padding_after(3) + TRAILER
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        (member,) = tar.getmembers()
        assert (member.name, member.size, member.uid, member.uname, member.gname) == (
            written.path, 3, 8**7, "root", "staff",
        )  # fmt: skip
        assert member.pax_headers["SCHILY.xattr.user.x"] == "1"


def test_owner_names_survive_a_rewrite():
    header = entry_header(entry(), OwnerNames(b"u" * 40, b"wheel"))
    found = read_back(header)
    assert owner_names(header[-512:], found.pax) == (b"u" * 40, b"wheel")


def test_the_fraction_of_a_time_is_kept_only_with_its_time():
    pax = {"mtime": b"1700000000.25"}
    assert b"mtime=1700000000.25" in entry_header(entry(pax=pax))
    assert b"mtime" not in entry_header(entry(pax=pax, mtime=5))


def test_other_kinds_are_refused():
    with pytest.raises(ValueError, match="OTHER"):
        entry_header(entry(kind=Kind.OTHER))
