"""Layers are applied as an engine applies them, and never outside the root."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from tiny_image import tiny

from slimml.engine.bare.unpack import unpack_image
from slimml.errors import InvalidImage, SlimmlError, Unsupported


def layer(*entries):
    """A tar of (path, what) entries: bytes are files, "-> x" links, "= x" hard links, "dir", "device", "fifo"."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, what in entries:
            member = tarfile.TarInfo(path)
            member.uid, member.gid, member.mode, member.mtime = os.getuid(), os.getgid(), 0o755, 1_700_000_000
            content = None
            if isinstance(what, bytes):
                member.size, content = len(what), io.BytesIO(what)
            elif what.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, what[3:]
            elif what.startswith("= "):
                member.type, member.linkname = tarfile.LNKTYPE, what[2:]
            else:
                member.type = {"dir": tarfile.DIRTYPE, "device": tarfile.CHRTYPE, "fifo": tarfile.FIFOTYPE}[what]
            archive.addfile(member, content)
    return out.getvalue()


@pytest.fixture
def unpacked(tmp_path):
    """Apply layers to a root with a directory `outside` beside it; the root."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").mkdir()

    def apply(*layers):
        unpack_image(tiny(*layers), root)
        return root

    return apply


@pytest.fixture
def outside(tmp_path):
    return tmp_path / "outside"


def names(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*"))


def test_files_keep_content_mode_and_time(unpacked):
    root = unpacked(layer(("a/b", b"hello")))
    state = (root / "a/b").stat()
    assert ((root / "a/b").read_bytes(), state.st_mode & 0o7777, state.st_mtime) == (b"hello", 0o755, 1_700_000_000)


def test_a_later_layer_overwrites(unpacked):
    root = unpacked(layer(("a", b"old")), layer(("a", b"new")))
    assert (root / "a").read_bytes() == b"new"


def test_a_file_takes_the_place_of_a_directory(unpacked):
    assert names(unpacked(layer(("a/b", b"")), layer(("a", b"")))) == ["a"]


def test_a_directory_takes_the_place_of_a_link(unpacked):
    root = unpacked(layer(("x/old", b""), ("a", "-> x")), layer(("a", "dir"), ("a/new", b"")))
    assert names(root) == ["a", "a/new", "x", "x/old"]


def test_a_hard_link_is_one_file(unpacked):
    root = unpacked(layer(("a", b"hello"), ("b", "= a")))
    assert (root / "a").samefile(root / "b")


def test_a_whiteout_hides_what_is_below(unpacked):
    assert names(unpacked(layer(("a/b/c", b""), ("a/d", b"")), layer(("a/.wh.b", b"")))) == ["a", "a/d"]


def test_a_whiteout_spares_what_its_own_layer_brings(unpacked):
    assert names(unpacked(layer(("a", b"")), layer(("a", b""), (".wh.a", b"")))) == ["a"]


def test_an_opaque_directory_hides_what_is_below(unpacked):
    root = unpacked(layer(("a/old", b""), ("a/deep/old", b"")), layer(("a/deep/new", b""), ("a/.wh..wh..opq", b"")))
    assert names(root) == ["a", "a/deep", "a/deep/new"]


def test_a_layer_may_write_through_a_link_of_the_image(unpacked):
    root = unpacked(layer(("usr/lib", "dir"), ("lib", "-> usr/lib")), layer(("lib/a", b"")))
    assert (root / "usr/lib/a").exists()


@pytest.mark.parametrize("target", ["../outside", "/../../outside", "../../../outside", "a/../../outside"])
def test_links_are_followed_inside_the_root_only(unpacked, outside, target):
    unpacked(layer(("way", f"-> {target}"), ("a", "dir"), ("way/file", b"!")))
    assert names(outside) == []


def test_an_absolute_link_starts_at_the_root(unpacked, outside):
    root = unpacked(layer(("way", f"-> {outside}"), ("way/file", b"!")))
    assert (names(outside), (root / f"{outside}/file".lstrip("/")).read_bytes()) == ([], b"!")


def test_a_link_is_replaced_not_written_through(unpacked, outside):
    (outside / "file").write_bytes(b"precious")
    unpacked(layer(("way", f"-> {outside}/file")), layer(("way", b"!")))
    assert (outside / "file").read_bytes() == b"precious"


def test_a_whiteout_does_not_reach_through_a_link(unpacked, outside):
    (outside / "file").write_bytes(b"precious")
    unpacked(layer(("way", f"-> {outside}")), layer(("way/.wh.file", b"")))
    assert (outside / "file").exists()


def test_an_opaque_link_is_not_followed(unpacked, outside):
    (outside / "file").write_bytes(b"precious")
    unpacked(layer(("way", f"-> {outside}")), layer(("way/.wh..wh..opq", b"")))
    assert (outside / "file").exists()


def test_a_hard_link_out_of_the_root_is_an_error(unpacked, outside):
    (outside / "file").write_bytes(b"precious")
    with pytest.raises(InvalidImage):
        unpacked(layer(("way", f"-> {outside}"), ("mine", "= way/file")))


def test_a_hard_link_to_a_link_does_not_follow_it(unpacked, outside):
    (outside / "file").write_bytes(b"precious")
    unpacked(layer(("way", f"-> {outside}/file"), ("mine", "= way")), layer(("mine", b"!")))
    assert (outside / "file").read_bytes() == b"precious"


def test_links_in_a_circle_are_an_error(unpacked):
    with pytest.raises(InvalidImage, match="more than 40 links"):
        unpacked(layer(("a", "-> b"), ("b", "-> a"), ("a/file", b"")))


def test_a_file_in_the_way_is_an_error(unpacked):
    with pytest.raises(InvalidImage, match="no directory"):
        unpacked(layer(("a", b"")), layer(("a/b", b"")))


def test_device_nodes_are_left_out_and_told(tmp_path):
    assert unpack_image(tiny(layer(("dev/null", "device"))), tmp_path).skipped == ["dev/null"]


def test_set_user_id_bits_stay_behind(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("su")
        member.mode, member.uid, member.gid = 0o6755, os.getuid(), os.getgid()
        archive.addfile(member, io.BytesIO())
    unpack_image(tiny(out.getvalue()), tmp_path)
    assert (tmp_path / "su").stat().st_mode & 0o7777 == 0o755


def test_what_the_file_system_refuses_is_an_error_of_ours():
    with pytest.raises(SlimmlError, match="unpacking"):
        unpack_image(tiny(layer(("proc-entry", b""))), Path("/proc/self/task"))


def test_no_descriptor_is_left_open(unpacked):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(InvalidImage):
        unpacked(layer(("a", b""), ("b/c", b""), ("a/b", b"")))
    assert len(os.listdir("/proc/self/fd")) == before


def test_sparse_files_are_unsupported(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("sparse")
        sparse = {"major": "1", "minor": "0", "name": "sparse", "realsize": "4096"}
        member.pax_headers = {f"GNU.sparse.{key}": value for key, value in sparse.items()}
        content = b"1\n0\n3\n".ljust(512, b"\0") + b"abc"
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    with pytest.raises(Unsupported, match="sparse"):
        unpack_image(tiny(out.getvalue()), tmp_path)


def member(path, **facts):
    """A tar of one file with these facts."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo(path)
        entry.uid, entry.gid = os.getuid(), os.getgid()
        for name, value in facts.items():
            setattr(entry, name, value)
        archive.addfile(entry, io.BytesIO(b""))
    return out.getvalue()


CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
"""cap_net_raw+ep, as setcap(8) writes it"""


def test_where_nobody_else_enters_set_user_id_bits_are_kept(tmp_path):
    unpack_image(tiny(member("su", mode=0o6755)), tmp_path, privileges=True)
    assert (tmp_path / "su").stat().st_mode & 0o7777 == 0o6755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give capabilities")
@pytest.mark.parametrize("kept", [True, False])
def test_file_capabilities_are_kept_where_privileges_are(tmp_path, kept):
    records = {"SCHILY.xattr.security.capability": CAPABILITY.decode("utf-8", "surrogateescape")}
    unpack_image(tiny(member("ping", mode=0o755, pax_headers=records)), tmp_path, privileges=kept)
    assert ("security.capability" in os.listxattr(tmp_path / "ping")) is kept
