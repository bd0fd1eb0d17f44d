"""Tars that want to hurt: the numbers are those of the list of attack cases in docs/hostile-images.md."""

import gzip
import io
import random
import resource
import tarfile
import time
import zlib

import pytest
import raw_tar
from told_events import Told

from slimml.errors import InvalidImage, LimitExceeded, SlimmlError
from slimml.oci.codec import decompressed
from slimml.oci.limits import Limits
from slimml.oci.media_types import Compression
from slimml.oci.tar.events import Kind
from slimml.oci.tar.reader import TarReader


def read(data: bytes, limits: Limits | None = None, step: int = 1 << 16) -> Told:
    told = Told()
    reader = TarReader(told, "layer", limits or Limits())
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
    reader.finish()
    return told


@pytest.mark.parametrize("name", [b"../x", b"a/../../e", b"..", b"a/..", b"/../etc/passwd", b"./../x"])
def test_1_names_that_climb_are_refused(name):
    with pytest.raises(InvalidImage, match=r"'\.\.'"):
        read(raw_tar.file(name) + raw_tar.END)


def test_1_absolute_names_lie_beneath_the_root():
    assert read(raw_tar.file(b"/etc/passwd") + raw_tar.END).entries[0].path == "etc/passwd"


@pytest.mark.parametrize("name", [b".", b"/", b"./", b"/."])
def test_3_a_symlink_that_stands_for_the_root_is_refused(name):
    with pytest.raises(InvalidImage, match="root"):
        read(raw_tar.header(name, kind=b"2", link=b"/tmp") + raw_tar.END)


@pytest.mark.parametrize("target", [b"../../etc/shadow", b"a/../../x", b"..", b"", b"/"])
def test_4_a_hard_link_out_of_the_root_or_to_nothing_is_refused(target):
    with pytest.raises(InvalidImage):
        read(raw_tar.header(b"a", kind=b"1", link=target) + raw_tar.END)


def test_4_an_absolute_hard_link_stays_beneath_the_root():
    assert read(raw_tar.header(b"a", kind=b"1", link=b"/etc/shadow") + raw_tar.END).entries[0].link == "etc/shadow"


def test_5_a_mode_has_no_bits_beyond_permissions():
    (entry,) = read(raw_tar.header(b"a", mode=b"7777777\0") + raw_tar.END).entries
    assert entry.mode == 0o7777


@pytest.mark.parametrize(
    "record",
    [
        [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.realsize", b"100")],
        [(b"GNU.sparse.size", b"5"), (b"GNU.sparse.map", b"0,100,50,100")],
        [(b"GNU.sparse.size", b"5"), (b"GNU.sparse.map", b"0,1,2")],
        [(b"GNU.sparse.size", b"99"), (b"GNU.sparse.map", b"-5,4")],
    ],
)
def test_11_a_sparse_map_that_contradicts_its_file_is_refused(record):
    with pytest.raises(InvalidImage):
        read(raw_tar.pax(*record) + raw_tar.file(b"a", b"4\n0\n9\n8\n9\n1\n1\n2\n2\n" + b"x" * 30) + raw_tar.END)


def test_11_nine_million_extents_in_a_few_kilobytes_end_at_once():
    content = b"9000000\n" + b"0\n0\n" * 1000
    hostile = raw_tar.pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"1")) + raw_tar.file(b"a", content)
    with pytest.raises(LimitExceeded) as caught:
        read(hostile + raw_tar.END)
    assert caught.value.limit == "sparse_segments"


def test_11_old_gnu_sparse_extensions_without_end_are_refused():
    first = bytearray(raw_tar.header(b"a", 0, b"S", magic=b"ustar  \0"))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    extension = (b"%011o\0%011o\0" % (1, 0)) * 21 + b"\1" + bytes(7)
    with pytest.raises(LimitExceeded):
        read(bytes(first) + extension * 4000, Limits(sparse_segments=1000))


def test_11_a_petabyte_in_three_kilobytes_is_refused():
    hostile = raw_tar.pax((b"GNU.sparse.size", b"%d" % 10**15), (b"GNU.sparse.map", b"0,1")) + raw_tar.file(b"a")
    with pytest.raises(LimitExceeded) as caught:
        read(hostile + raw_tar.END)
    assert caught.value.limit == "file_bytes"


def test_12_a_huge_record_is_refused_before_it_is_read():
    with pytest.raises(LimitExceeded) as caught:
        read(raw_tar.header(b"x", 300_000_000, b"x"))
    assert caught.value.limit == "header_bytes"


def test_12_many_records_before_one_entry_are_refused():
    with pytest.raises(LimitExceeded):
        read(raw_tar.pax((b"comment", b"x" * 900_000)) * 8)


@pytest.mark.parametrize(
    "content", [b"99999999999999999 a=b\n", b"-5 a=b\n", b"5 a=b", b"7 a=b\n", b"6 ab\n\n", b"x" * 600]
)
def test_12_malformed_records_are_refused(content):
    with pytest.raises(InvalidImage):
        read(raw_tar.header(b"p", len(content), b"x") + raw_tar.padded(content) + raw_tar.file(b"a") + raw_tar.END)


def test_12_a_long_run_of_digits_is_refused_in_linear_time():
    content = b"1" * 1_000_000
    started = time.process_time()
    with pytest.raises(InvalidImage):
        read(raw_tar.header(b"p", len(content), b"x") + raw_tar.padded(content) + raw_tar.file(b"a"))
    assert time.process_time() - started < 5


def test_12_a_size_record_is_for_the_entry_not_for_the_headers_between():
    """With the size applied to the long name header, the second file would be hidden inside the first."""
    long_name = raw_tar.header(b"././@LongLink", 5, b"L") + raw_tar.padded(b"name\0")
    told = read(
        raw_tar.pax((b"size", b"1024"))
        + long_name
        + raw_tar.header(b"a", 0)
        + b"x" * 1024
        + raw_tar.file(b"b")
        + raw_tar.END
    )
    assert [(entry.path, entry.size) for entry in told.entries] == [("name", 1024), ("b", 1)]


@pytest.mark.parametrize("key", [b"path", b"linkpath"])
def test_12_a_nul_in_a_record_is_refused(key):
    with pytest.raises(InvalidImage, match="NUL"):
        read(raw_tar.pax((key, b"etc/pass\0wd")) + raw_tar.header(b"a", kind=b"2", link=b"x") + raw_tar.END)


@pytest.mark.parametrize(
    "size", [b"\xff" * 12, b"\x80" + b"\xff" * 11, b"-0000000001\0", b"0000000009x\0", b"99999999999\0"]
)
def test_12_sizes_that_are_negative_or_no_numbers_are_refused(size):
    with pytest.raises(InvalidImage):
        read(raw_tar.header(b"a", size_field=size) + raw_tar.END)


def test_13_every_truncation_ends_in_an_error_or_at_an_entry():
    whole = raw_tar.pax((b"path", b"/long" * 30)) + raw_tar.file(b"a", b"y" * 700) + raw_tar.file(b"b") + raw_tar.END
    ends = {0, 2560, 3584, 4096, 4608}
    for cut in range(0, len(whole), 64):
        if cut in ends:
            read(whole[:cut])
        else:
            with pytest.raises(InvalidImage, match="cut off"):
                read(whole[:cut])


def test_13_a_truncated_gzip_layer_ends_in_an_error():
    packed = gzip.compress(raw_tar.file(b"a", random.Random(1).randbytes(50_000)) + raw_tar.END)
    with pytest.raises(InvalidImage, match="cut off"):
        decompressed(io.BytesIO(packed[: len(packed) // 2]), Compression.GZIP, "layer").read()


def test_13_a_bomb_of_zeros_ends_early_and_in_little_memory():
    """4 GB of zeros in 4 MB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = packer.compress(bytes(1 << 20))
    packed = piece + b"".join(packer.compress(bytes(1 << 20)) for _ in range(4095)) + packer.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LimitExceeded) as caught:
        for _ in (
            iter(lambda: stream.read(1 << 20), b"")
            if (stream := decompressed(io.BytesIO(packed), Compression.GZIP, "layer"))
            else ()
        ):
            pass
    assert caught.value.limit == "ratio"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize(
    "packed", [b"", b"not gzip", b"\x1f\x8b\x08\x00garbagegarbage", gzip.compress(b"x", mtime=0) + b"trailing garbage"]
)
def test_13_what_is_not_gzip_is_refused(packed):
    with pytest.raises(InvalidImage, match="damaged"):
        decompressed(io.BytesIO(packed), Compression.GZIP, "layer").read()


def test_14_a_name_past_path_max_is_refused():
    with pytest.raises(LimitExceeded) as caught:
        read(raw_tar.pax((b"path", b"d/" * 4000)) + raw_tar.file(b"a"))
    assert caught.value.limit == "name_bytes"


def test_14_a_component_past_name_max_is_refused():
    with pytest.raises(LimitExceeded) as caught:
        read(raw_tar.pax((b"path", b"d/" + b"n" * 256)) + raw_tar.file(b"a"))
    assert caught.value.limit == "component_bytes"


def test_14_an_extended_attribute_with_an_overlong_name_is_refused():
    with pytest.raises(LimitExceeded) as caught:
        read(raw_tar.pax((b"SCHILY.xattr.user." + b"n" * 300, b"v")) + raw_tar.file(b"a"))
    assert caught.value.limit == "xattr_name_bytes"


@pytest.mark.parametrize("name", [b".wh.", b"a/.wh.", b"a/.wh...", b"a/.wh.."])
def test_15_a_whiteout_of_nothing_is_refused(name):
    with pytest.raises(InvalidImage, match="whiteout"):
        read(raw_tar.file(name, b"") + raw_tar.END)


def test_15_a_whiteout_with_content_hides_and_its_content_is_passed_over():
    told = read(raw_tar.file(b"a/.wh.b", b"z" * 5000) + raw_tar.file(b"c") + raw_tar.END)
    assert [(entry.path, entry.kind) for entry in told.entries] == [("a/b", Kind.WHITEOUT), ("c", Kind.FILE)]


@pytest.mark.parametrize(("kind", "expected"), [(b"3", Kind.CHARACTER), (b"4", Kind.BLOCK), (b"6", Kind.FIFO)])
def test_16_devices_and_fifos_are_entries_without_content(kind, expected):
    told = read(raw_tar.header(b"dev/x", 4096, kind) + raw_tar.file(b"b") + raw_tar.END)
    assert [(entry.path, entry.kind) for entry in told.entries] == [("dev/x", expected), ("b", Kind.FILE)]


def test_16_dev_and_proc_as_symlinks_are_only_entries():
    told = read(raw_tar.header(b"proc", kind=b"2", link=b"/etc") + raw_tar.file(b"proc/x") + raw_tar.END)
    assert [entry.kind for entry in told.entries] == [Kind.SYMLINK, Kind.FILE]


def test_many_entries_end_at_the_limit():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for index in range(300):
            archive.addfile(tarfile.TarInfo(f"f{index}"))
    with pytest.raises(LimitExceeded) as caught:
        read(buffer.getvalue(), Limits(members=200))
    assert caught.value.limit == "members"


def _seeds() -> list[bytes]:
    plain = raw_tar.file(b"dir/file", b"content" * 200) + raw_tar.header(b"l", kind=b"2", link=b"dir/file")
    fancy = raw_tar.pax((b"path", b"x" * 150), (b"mtime", b"1.5"), (b"SCHILY.xattr.user.a", b"v")) + raw_tar.file(b"a")
    holes = raw_tar.pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.realsize", b"9"))
    holes += raw_tar.file(b"s", raw_tar.padded(b"1\n0\n5\n") + b"hello")
    named = raw_tar.header(b"././@LongLink", 200, b"L") + raw_tar.padded(b"n" * 199 + b"\0") + raw_tar.file(b"b")
    return [plain + raw_tar.END, fancy + raw_tar.END, holes + raw_tar.END, named + raw_tar.END]


def _mutated(seed: bytes, chance: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        where = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[where] = chance.randrange(256)
            case 1:
                del data[where : where + chance.randint(1, 600)]
            case 2:
                data[where:where] = chance.randbytes(chance.randint(1, 600))
            case 3:
                data[where : where + 8] = chance.choice(
                    [b"99999999", b"\xff" * 8, b"\x80" + bytes(7), b"-1\0\0\0\0\0\0"]
                )
            case 4:
                other = chance.randrange(len(data))
                data[where : where + 512] = data[other : other + 512]
        if not data:
            data = bytearray(1)
    if chance.random() < 0.5:  # right checksums let a mutation through to what stands behind them
        for start in range(0, len(data) - 511, 512):
            if data[start + 257 : start + 262] == b"ustar":
                data[start + 148 : start + 156] = b" " * 8
                data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
    return bytes(data)


def test_ten_thousand_mutations_end_in_documented_errors_only():
    chance = random.Random(20_26)
    seeds = _seeds()
    refused = accepted = 0
    for _ in range(10_000):
        try:
            read(_mutated(chance.choice(seeds), chance), Limits(members=1000), step=chance.choice([100, 512, 1 << 16]))
            accepted += 1
        except SlimmlError:
            refused += 1
    assert refused > 1000
    assert accepted > 500
