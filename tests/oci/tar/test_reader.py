"""The tar reader against archives that Python's tarfile and GNU tar make."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from told_events import Told

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.limits import Limits
from slimml.oci.tar.events import Kind
from slimml.oci.tar.reader import TarReader

LONG = "d/" * 60 + "name-" + "x" * 120
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def info(name, kind=tarfile.REGTYPE, **fields):
    found = tarfile.TarInfo(name)
    found.type = kind
    for key, value in fields.items():
        setattr(found, key, value)
    return found


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("step", [1, 100, 511, 512, 513, 4096, 1 << 20])
def test_contents_and_fields_are_those_of_the_archive_whatever_the_pieces(make, read, form, step):
    data = make(
        info("etc", tarfile.DIRTYPE, mode=0o755),
        (info("etc/passwd", mode=0o640, uid=7, gid=8, mtime=1_700_000_000), b"root" * 300),
        (info("etc/empty"), b""),
        info("etc/link", tarfile.SYMTYPE, linkname="../passwd"),
        info("etc/hard", tarfile.LNKTYPE, linkname="etc/passwd"),
        info("dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3),
        form=form,
    )
    told = read(data, step)
    assert [(e.path, e.kind, e.size, e.link) for e in told.entries] == [
        ("etc", Kind.DIRECTORY, 0, ""),
        ("etc/passwd", Kind.FILE, 1200, ""),
        ("etc/empty", Kind.FILE, 0, ""),
        ("etc/link", Kind.SYMLINK, 0, "../passwd"),
        ("etc/hard", Kind.HARDLINK, 0, "etc/passwd"),
        ("dev/null", Kind.CHARACTER, 0, ""),
    ]
    passwd = told.by_path["etc/passwd"]
    assert (passwd.mode, passwd.uid, passwd.gid, passwd.mtime) == (0o640, 7, 8, 1_700_000_000)
    assert told.by_path["dev/null"].device == (1, 3)
    assert told.contents == {"etc/passwd": b"root" * 300, "etc/empty": b""}
    assert told.tar_bytes == len(data)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("step", [7, 512, 1 << 20])
def test_long_names_and_links_are_whole(make, read, form, step):
    told = read(make((info(LONG), b"abc"), info("link", tarfile.SYMTYPE, linkname=LONG), form=form), step)
    assert [entry.path for entry in told.entries] == [LONG, "link"]
    assert told.entries[1].link == LONG
    assert told.contents[LONG] == b"abc"


def test_offsets_tell_where_headers_and_contents_stand(make, read):
    data = make((info("a"), b"1" * 700), (info(LONG), b"22"), (info("c"), b"3"))
    entries = read(data).entries
    for entry, content in zip(entries, [b"1" * 700, b"22", b"3"], strict=True):
        assert data[entry.data_offset :].startswith(content)
    assert entries[0].offset == 0
    assert entries[1].offset == 512 + 1024
    assert entries[2].offset == entries[1].data_offset + 512


def test_names_are_made_relative_and_clean(make, read):
    told = read(make((info("./a//b/./c"), b"x"), (info("/abs/d"), b"x"), info("./", tarfile.DIRTYPE)))
    assert [entry.path for entry in told.entries] == ["a/b/c", "abs/d", ""]


def test_names_that_are_not_utf8_survive(make, read):
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert read(make((info(name), b"x"), form=tarfile.GNU_FORMAT)).entries[0].path == name


def test_whiteouts_and_opaque_markers_name_what_they_hide(make, read):
    told = read(make("a/.wh.gone", "b/.wh..wh..opq", ".wh.top", ".wh..wh.plnk"))
    assert [(entry.path, entry.kind) for entry in told.entries] == [
        ("a/gone", Kind.WHITEOUT),
        ("b", Kind.OPAQUE),
        ("top", Kind.WHITEOUT),
        (".wh..wh.plnk", Kind.OTHER),
    ]


def test_numbers_past_octal_are_read(make, read):
    entry = read(make((info("big", uid=1 << 40, mtime=-5), b"x"), form=tarfile.GNU_FORMAT)).entries[0]
    assert (entry.uid, entry.mtime) == (1 << 40, -5)
    entry = read(make((info("big", uid=1 << 40, mtime=-5.5), b"x"), form=tarfile.PAX_FORMAT)).entries[0]
    assert (entry.uid, entry.mtime) == (1 << 40, -6)


def test_a_tar_without_end_blocks_is_whole(make, read):
    data = make((info("a"), b"x" * 512))[:1024]
    assert read(data).contents == {"a": b"x" * 512}


@pytest.mark.parametrize("cut", [100, 512, 700, 1023])
def test_a_tar_cut_off_inside_an_entry_is_refused(make, read, cut):
    with pytest.raises(InvalidImage, match="cut off"):
        read(make((info("a"), b"x" * 600))[:cut])


def test_what_is_no_tar_is_refused(read):
    with pytest.raises(InvalidImage, match="malformed"):
        read(b"this is no tar at all" * 100)


@pytest.mark.parametrize("form", ["gnu", *(f"pax --sparse-version={version}" for version in ("0.0", "0.1", "1.0"))])
@pytest.mark.parametrize("step", [512, 1000, 1 << 20])
def test_sparse_files_have_their_real_size_and_name(tmp_path: Path, read, form, step):
    with (tmp_path / "holes").open("wb") as file:
        for index in range(40):
            file.seek(index * 200_000)
            file.write(b"data%d" % index)
        file.truncate(10_000_000)
    archive = tmp_path / "s.tar"
    subprocess.run(["tar", "-cSf", archive, *f"--format={form}".split(), "-C", tmp_path, "holes"], check=True)
    (entry,) = read(archive.read_bytes(), step).entries
    assert (entry.path, entry.kind, entry.size) == ("holes", Kind.FILE, 10_000_000)
    assert 40 * 4 < entry.stored < 10_000_000


def test_skipped_contents_are_told_as_elsewhere(make):
    data = make((info("a"), b"x" * 700), (info("b"), b"y"))
    told = Told()
    reader = TarReader(told, "the tar")
    reader.feed(data[:512])
    reader.skip(700, 99, lambda: io.BytesIO(b""))
    reader.feed(data[1212:])
    reader.finish()
    assert told.skipped == [("a", 99)]
    assert told.contents == {"b": b"y"}
    assert told.tar_bytes == len(data)


def test_a_content_of_another_size_than_announced_is_refused(make):
    reader = TarReader(Told(), "the tar")
    reader.feed(make((info("a"), b"x" * 700))[:512])
    with pytest.raises(InvalidImage, match="announce"):
        reader.skip(701, 0, lambda: io.BytesIO(b""))


def test_the_number_of_entries_is_limited(make, read):
    with pytest.raises(LimitExceeded) as caught:
        read(make("a", "b", "c"), limits=Limits(members=2))
    assert caught.value.limit == "members"


names = st.lists(
    st.text("abé.-_ ", min_size=1, max_size=40).filter(lambda t: t not in (".", "..")), min_size=1, max_size=6
)


@settings(max_examples=150, deadline=None)
@given(
    files=st.dictionaries(names.map("/".join), st.binary(max_size=3000), max_size=8),
    form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    step=st.integers(1, 5000),
)
def test_any_tree_comes_back_as_it_went_in(files, form, step):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in files.items():
            member = info(name, size=len(content))
            archive.addfile(member, io.BytesIO(content))
    told = Told()
    reader = TarReader(told, "the tar")
    data = buffer.getvalue()
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
    reader.finish()
    assert told.contents == files
