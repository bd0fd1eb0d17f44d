"""joblib's files compressed as a whole."""

import zlib

import pytest

from slimml.models.packed import MARK, pack
from slimml.models.unsuitable import Unsuitable

CONTENT = b"\x80\x04\x95" + b"c" + MARK + b"\nNumpyArrayWrapper\n" + bytes(100_000)


def test_the_stream_is_the_files(tmp_path):
    (tmp_path / "old").write_bytes(CONTENT)
    pack(tmp_path / "old", tmp_path / "new")
    assert zlib.decompress((tmp_path / "new").read_bytes()) == CONTENT


def test_joblib_reads_it(tmp_path):
    joblib = pytest.importorskip("joblib")
    numpy = pytest.importorskip("numpy")
    value = {"weights": numpy.arange(50_000.0), "name": "forest"}
    joblib.dump(value, tmp_path / "old")
    pack(tmp_path / "old", tmp_path / "new")
    found = joblib.load(tmp_path / "new")
    assert numpy.array_equal(found["weights"], value["weights"])


@pytest.mark.parametrize("content", [b"", zlib.compress(CONTENT), b"\x80\x04N.", b"text"])
def test_what_joblib_may_not_be_asked_to_load_is_left(tmp_path, content):
    (tmp_path / "old").write_bytes(content)
    with pytest.raises(Unsuitable):
        pack(tmp_path / "old", tmp_path / "new")
