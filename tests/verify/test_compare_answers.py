"""Two answers are held together as a person would: what matters is seen, what does not is not."""

import gzip
import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slimml.probes.answer import Answer
from slimml.probes.probe import Compare
from slimml.verify.compare import compare_answers

JSON = (("Content-Type", "application/json"),)


def response(body=b"", headers=JSON, code=200, **more):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer("probe", code, headers=tuple(headers), body=content, **more)


def command(body=b"", errors=b"", code=0, files=None):
    return Answer("probe", code, body=body, errors=errors, files=files or {})


def parts(one, other, rule=None, http=True):
    return [difference.part for difference in compare_answers(one, other, rule or Compare(), http=http)]


def file_parts(name, one, other, rule=None):
    return parts(command(files={name: one}), command(files={name: other}), rule, http=False)


def png(pixels, *chunks, level=6, filtered=0):
    """A PNG of grey lines, `chunks` being further ones, each line filtered the same way (None or Sub)."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    lines = b""
    for line in pixels:
        raw = line if filtered == 0 else bytes((b - a) & 255 for a, b in zip(b"\0" + line, line, strict=False))
        lines += bytes([filtered]) + raw
    header = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(lines, level)) + chunk(b"IEND", b"")


def test_another_status_is_seen():
    assert parts(response(), response(code=500)) == ["status"]


def test_another_exit_code_is_seen():
    assert parts(command(), command(code=1), http=False) == ["code"]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("content-type", "application/json", "text/html"),
        ("location", "/a", "/b"),
        ("cache-control", "no-store", "max-age=60"),
        ("etag", '"1"', '"2"'),
        ("x-model-version", "1", "2"),
        ("set-cookie", "session=1; HttpOnly", "other=1; HttpOnly"),
        ("set-cookie", "session=1; HttpOnly", "session=1"),
    ],
)
def test_a_header_that_matters_is_seen(name, one, other):
    assert parts(response(headers=[(name, one)]), response(headers=[(name, other)])) == [f"header:{name}"]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("Date", "Sun, 22 Nov 2026 20:05:09 GMT", "Sun, 22 Nov 2026 20:06:09 GMT"),
        ("Server", "uvicorn", "hypercorn"),
        ("Connection", "close", "keep-alive"),
        ("Transfer-Encoding", "chunked", "identity"),
        ("Content-Type", 'Text/HTML; Charset="UTF-8"', "text/html;charset=utf-8"),
        ("Set-Cookie", "session=1; Expires=Sun, 22 Nov 2026 20:05:09 GMT", "session=2"),
        ("Content-Encoding", "identity", ""),
    ],
)
def test_a_header_that_does_not_matter_is_not_seen(name, one, other):
    assert parts(response(b"x", headers=[(name, one)]), response(b"x", headers=[(name, other)])) == []


def test_a_missing_header_is_seen():
    assert parts(response(), response(headers=())) == ["header:content-type"]


def test_bodies_are_compared_behind_their_content_coding():
    packed = [
        response(gzip.compress(b'{"a": 1}', mtime=time), (*JSON, ("Content-Encoding", "gzip"))) for time in (1, 2)
    ]
    assert parts(*packed) == []


def test_a_content_coding_that_is_gone_is_seen():
    packed = response(gzip.compress(b'{"a": 1}'), (*JSON, ("Content-Encoding", "gzip")))
    assert parts(packed, response({"a": 1})) == ["header:content-encoding"]


def test_a_wrong_answer_with_status_200_is_seen_with_its_place():
    (found,) = compare_answers(response({"scores": [0.1, 0.9]}), response({"scores": [0.1, 0.8]}), Compare())
    assert (found.part, found.original, found.slim) == ("json:/scores/1", "0.9", "0.8")


def test_the_order_of_members_does_not_matter():
    assert parts(response({"a": 1, "b": 2}), response({"b": 2, "a": 1})) == []


def test_the_order_of_elements_matters():
    assert parts(response([1, 2]), response([2, 1])) == ["json:/0", "json:/1"]


def test_a_missing_member_is_seen():
    assert parts(response({"a": 1, "b": 2}), response({"a": 1})) == ["json:/b"]


def test_a_further_member_is_seen():
    assert parts(response({"a": 1}), response({"a": 1, "b": 2})) == ["json:/b"]


def test_an_array_of_another_length_is_seen():
    assert parts(response([1, 2]), response([1])) == ["json:"]


@pytest.mark.parametrize(("one", "other"), [(1, "1"), (1, True), (0, False), (0, None), ([], {}), ("", None)])
def test_another_kind_of_value_is_seen(one, other):
    assert parts(response({"a": one}), response({"a": other})) == ["json:/a"]


def test_fractions_are_equal_within_the_tolerance():
    assert parts(response([0.1234567, 1e-12]), response([0.12345671, 0.0])) == []


def test_a_tolerance_can_be_chosen():
    assert parts(response([0.5]), response([0.51]), Compare(relative=0.05)) == []


def test_whole_numbers_have_no_tolerance():
    assert parts(response([1_000_000_000]), response([1_000_000_001])) == ["json:/0"]


def test_a_whole_number_equals_the_same_fraction():
    assert parts(response([1]), response([1.0])) == []


def test_nan_equals_nan():
    assert parts(response([float("nan")]), response([float("nan")])) == []


def test_nan_is_no_number():
    assert parts(response([float("nan")]), response([1.0])) == ["json:/0"]


def test_infinities_are_equal_to_themselves_only():
    assert parts(response([float("inf"), float("inf")]), response([float("inf"), float("-inf")])) == ["json:/1"]


def test_an_error_page_in_place_of_json_is_one_difference():
    found = compare_answers(response({"a": 1}), response(b"Internal Server Error"), Compare())
    assert [(one.part, one.original[:4], one.slim[:4]) for one in found] == [("body", "json", "text")]


def test_an_empty_body_is_seen():
    assert parts(response({"a": 1}), response(b"")) == ["body"]


def test_json_too_deep_to_look_into_is_text():
    deep = b"[" * 100_000 + b"]" * 100_000
    assert parts(response(deep), response(deep + b" ")) == ["line:1"]


def test_text_is_told_by_its_lines():
    assert parts(command(b"one\ntwo\nthree\n"), command(b"one\n2\nthree\n"), http=False) == ["line:2"]


def test_a_line_too_many_is_told_where_it_is():
    assert parts(command(b"one\ntwo\n"), command(b"one\nmore\ntwo\n"), http=False) == ["stdout", "line:2"]


def test_precise_numbers_in_text_have_a_tolerance():
    assert parts(command(b"loss=0.12345678"), command(b"loss=0.12345679"), http=False) == []


def test_versions_in_text_have_none():
    assert parts(command(b"torch 2.10"), command(b"torch 2.1"), http=False) == ["line:1"]


def test_a_line_end_of_another_system_does_not_matter():
    assert parts(command(b"a\r\nb\r\n"), command(b"a\nb"), http=False) == []


def test_json_on_standard_output_is_json():
    assert parts(command(b'{"a": 1, "b": 2}'), command(b'{"b": 2, "a": 1}'), http=False) == []


def test_lines_of_json_are_told_by_line_and_pointer():
    one, other = b'{"a": 1}\n{"a": 2}\n', b'{"a": 1}\n{"a": 3}\n'
    assert parts(response(one, [("content-type", "application/x-ndjson")]), response(other)) == [
        "header:content-type",
        "json:/1/a",
    ]


def test_events_are_told_by_event_and_pointer():
    events = [("Content-Type", "text/event-stream")]
    one = response(b'data: {"token": "a"}\n\ndata: {"token": "b"}\n\n', events)
    other = response(b'data: {"token":"a"}\r\n\r\ndata: {"token":"c"}\r\n\r\n', events)
    assert parts(one, other) == ["json:/1/data/token"]


def test_cells_of_a_table_have_a_tolerance():
    assert file_parts("/out/a.csv", b"id,x\n7,0.1000000001\n", b"id,x\n7,0.1\n") == []


def test_a_wrong_cell_is_told_by_row_and_column():
    assert file_parts("/out/a.csv", b"id,x\n7,0.5\n", b"id,x\n7,0.6\n") == ["file:/out/a.csv#csv:/1/1"]


def test_names_of_digits_are_no_numbers():
    assert file_parts("/out/a.csv", b"007\n", b"7\n") == ["file:/out/a.csv#csv:/0/0"]


def test_a_missing_output_file_is_seen():
    assert parts(command(files={"/out/a": b"x"}), command(), http=False) == ["file:/out/a"]


def test_remarks_in_a_png_do_not_matter():
    lines = [b"\x01\x02", b"\x03\x04"]
    assert parts(response(png(lines, (b"tIME", b"1234567"))), response(png(lines, (b"tEXt", b"a\0b")))) == []


def test_how_a_png_is_packed_does_not_matter():
    lines = [bytes(range(100)), bytes(range(100, 200))]
    assert parts(response(png(lines, level=9)), response(png(lines, level=1, filtered=1))) == []


def test_another_pixel_is_seen():
    assert parts(response(png([b"\x01\x02"])), response(png([b"\x01\x03"]))) == ["image:/pixels"]


def test_another_palette_is_seen():
    one, other = (response(png([b"\x01"], (b"PLTE", content))) for content in (b"abc", b"abd"))
    assert parts(one, other) == ["image:/PLTE"]


def test_remarks_in_a_jpeg_do_not_matter():
    def jpeg(remark, scan):
        comment = b"\xff\xfe" + struct.pack(">H", len(remark) + 2) + remark
        return b"\xff\xd8" + comment + b"\xff\xc0\x00\x04ab" + b"\xff\xda\x00\x02" + scan + b"\xff\xd9"

    assert parts(response(jpeg(b"one", b"x")), response(jpeg(b"others", b"x"))) == []
    assert parts(response(jpeg(b"one", b"x")), response(jpeg(b"one", b"y"))) == ["body"]


def npy(array, save=np.save):
    out = io.BytesIO()
    save(out, array)
    return out.getvalue()


def test_arrays_have_a_tolerance():
    one, other = np.array([0.1, np.nan, np.inf]), np.array([0.1 + 1e-9, np.nan, np.inf])
    assert file_parts("/a.npy", npy(one), npy(other)) == []


@pytest.mark.parametrize("other", [np.array([0.1, 0.3]), np.array([0.1]), np.array([0.1, 0.2], dtype=np.float32)])
def test_another_array_is_seen(other):
    assert file_parts("/a.npy", npy(np.array([0.1, 0.2])), npy(other)) == ["file:/a.npy"]


def test_arrays_in_an_npz_are_told_by_name():
    one, other = (
        npy({"x": value}, lambda out, arrays: np.savez(out, **arrays)) for value in (np.arange(3), np.arange(4))
    )
    assert file_parts("/a.npz", one, other) == ["file:/a.npz#npz:/x"]


def test_columns_of_parquet_have_a_tolerance():
    def parquet(number, compression):
        out = io.BytesIO()
        pq.write_table(pa.table({"x": [0.5, number], "name": ["a", "b"]}), out, compression=compression)
        return out.getvalue()

    assert file_parts("/a.parquet", parquet(0.1, "none"), parquet(0.1 + 1e-10, "snappy")) == []
    assert file_parts("/a.parquet", parquet(0.1, "none"), parquet(0.2, "none")) == ["file:/a.parquet#parquet:/0/values"]


def test_when_members_were_put_into_a_zip_does_not_matter():
    def archive(year, content):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            made.writestr(zipfile.ZipInfo("a", (year, 1, 1, 0, 0, 0)), content)
        return out.getvalue()

    assert file_parts("/a.zip", archive(2020, "x"), archive(2021, "x")) == []
    assert file_parts("/a.zip", archive(2020, "x"), archive(2020, "y")) == ["file:/a.zip#zip:/a"]


def test_files_that_nobody_can_look_into_are_bytes():
    assert file_parts("/model.pkl", b"\x80\x04\x00one", b"\x80\x04\x00two") == ["file:/model.pkl"]


def test_a_packed_table_is_a_table():
    one, other = gzip.compress(b"x\n0.50000001\n", mtime=1), gzip.compress(b"x\n0.5\n", mtime=2)
    assert file_parts("/a.csv.gz", one, other) == []


def test_standard_error_is_told_and_does_not_count():
    assert parts(command(errors=b"a"), command(errors=b"b"), http=False) == []


def test_standard_error_counts_where_it_is_asked_for():
    assert parts(command(errors=b"a"), command(errors=b"b"), Compare(stderr=True), http=False) == ["stderr:line:1"]


@pytest.mark.parametrize(
    ("word", "one", "other"),
    [
        ("code", response(code=200), response(code=201)),
        ("header:X-Trace", response(headers=[("x-trace", "1")]), response(headers=[("x-trace", "2")])),
        ("json:/items/*/id", response({"items": [{"id": 1}, {"id": 2}]}), response({"items": [{"id": 3}, {}]})),
        ("json:/meta", response({"meta": {"a": 1}, "b": 1}), response({"b": 1})),
        ("json:/a~1b", response({"a/b": 1}), response({"a/b": 2})),
        ("body", response(b"a"), response(b"b")),
        ("stdout", command(b"a"), command(b"b")),
        ("line:^took", command(b"a\ntook 5 s\n"), command(b"a\n")),
        ("file:/tmp/*", command(files={"/tmp/a": b"1"}), command(files={"/tmp/b": b"2"})),
    ],
)  # fmt: skip
def test_what_the_probe_ignores_is_not_compared(word, one, other):
    assert parts(one, other, Compare(ignore=(word,))) == []


def test_no_more_than_some_differences_are_told():
    assert len(parts(response(list(range(1000))), response(list(range(1, 1001))))) == 50
