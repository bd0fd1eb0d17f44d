"""tar-split: its records, its replay, its limits."""

import base64
import gzip
import io
import json
import tarfile

import pytest
from told_events import Told

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.limits import Limits
from slimml.oci.places.daemon.store.tar_split import Record, records, replay

LIMITS = Limits()


def encode(lines: list[dict[str, object]]) -> io.BytesIO:
    return io.BytesIO(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))


def segment(data: bytes) -> dict[str, object]:
    return {"type": 2, "payload": base64.b64encode(data).decode(), "position": 0}


def content(name: str, size: int) -> dict[str, object]:
    return {
        "type": 1,
        "name": name,
        "size": size,
        "payload": base64.b64encode(b"\0" * 7 + b"\7").decode(),
        "position": 1,
    }


def header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.USTAR_FORMAT)


def run(lines: list[dict[str, object]], limits: Limits = LIMITS) -> Told:
    told = Told()

    def open_file(record: Record) -> io.BytesIO:
        return io.BytesIO(record.path.encode())

    replay(encode(lines), told, open_file, "layer test", limits, lambda amount: None)
    return told


def test_a_file_is_told_of_with_its_checksum():
    told = run([segment(header("a", 5)), content("a", 5), segment(bytes(507 + 1024))])
    assert told.skipped == [("a", 7)]


def test_offsets_count_the_content_that_was_not_read():
    told = run(
        [
            segment(header("a", 5)),
            content("a", 5),
            segment(bytes(507) + header("b", 0)),
            content("b", 0),
            segment(bytes(1024)),
        ]
    )
    assert [entry.offset for entry in told.entries] == [0, 1024]


def test_the_tar_has_the_bytes_of_segments_and_files():
    assert run([segment(header("a", 5)), content("a", 5), segment(bytes(507 + 1024))]).tar_bytes == 512 + 512 + 1024


def test_a_large_number_of_records_arrives_in_order():
    lines = [line for n in range(5000) for line in (segment(header(f"f{n}", 512)), content(f"f{n}", 512))]
    assert [entry.path for entry in run(lines).entries] == [f"f{n}" for n in range(5000)]


def test_a_name_that_is_not_utf_8_is_kept():
    raw = base64.b64encode(b"caf\xe9").decode()
    (batch,) = records(encode([{"type": 1, "name_raw": raw, "size": 1, "payload": None}]), "x", LIMITS)
    assert batch[0].path == "caf\udce9"


@pytest.mark.parametrize(("name", "path"), [("./a/b", "a/b"), ("/a//b/", "a/b"), ("a/../b", "a/../b"), (".", "")])
def test_a_name_becomes_a_path_beneath_the_layer(name, path):
    assert Record(type=1, name=name).path == path


@pytest.mark.parametrize(
    "lines",
    [
        [segment(header("a", 5)), content("a", 6)],
        [content("a", 6)],
        [segment(header("a", 5))],
        [segment(header("a", 5)[:100])],
        [segment(b"?" * 512)],
        [segment(header("a", 5)), content("a", 5), content("a", 5)],
    ],
    ids=["other size", "no header", "no content", "cut header", "no tar", "content twice"],
)
def test_what_does_not_make_a_tar_is_invalid(lines):
    with pytest.raises(InvalidImage):
        run(lines)


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"type": "1"}', b'{"type": 2, "payload": "?"}', b'{"type":1,"size":"x"}']
)
def test_what_is_no_record_is_invalid(line):
    with pytest.raises(InvalidImage, match="tar-split"):
        list(records(io.BytesIO(gzip.compress(line + b"\n")), "x", LIMITS))


def test_what_is_not_gzip_is_invalid():
    with pytest.raises(InvalidImage, match="damaged"):
        list(records(io.BytesIO(b"not gzip at all"), "x", LIMITS))


def test_a_line_without_end_ends_in_a_limit():
    endless = io.BytesIO(gzip.compress(b'{"type":2,"payload":"' + b"QUJD" * 3_000_000))
    with pytest.raises(LimitExceeded, match="header_bytes"):
        list(records(endless, "x", LIMITS))
