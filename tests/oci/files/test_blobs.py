"""A blob store: blobs by digest, whole or not at all, verified."""

import hashlib
import io
import os
import subprocess
import sys

import pytest

from slimml.errors import InvalidImage, NotFound
from slimml.oci.blobs import BlobStore
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, hex_of, sha256
from slimml.oci.verify import verified

SMALL = Descriptor("text/plain", sha256(b"hello"), 5)


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path / "blobs")


def files(store):
    return sorted(name for _, _, names in os.walk(store.path) for name in names)


def test_a_written_blob_is_named_by_its_digest(store):
    with store.writer() as sink:
        sink.write(b"hel")
        sink.write(memoryview(b"lo"))
        assert sink.commit("text/plain") == SMALL
    assert files(store) == [hex_of(SMALL.digest)]


def test_a_blob_is_read_from_an_offset(store):
    store.put_bytes(SMALL, b"hello")
    with store.open_blob(SMALL, 2) as stream:
        assert stream.read() == b"llo"


def test_nothing_stays_of_a_blob_that_was_not_committed(store):
    with store.writer() as sink:
        sink.write(b"hel")
    assert files(store) == []


def test_a_missing_blob_is_not_found(store):
    with pytest.raises(NotFound, match="incomplete"):
        store.open_blob(SMALL)


def test_a_blob_of_another_size_is_refused(store):
    store.put_bytes(SMALL, b"hello")
    with pytest.raises(InvalidImage, match="5 bytes"):
        store.open_blob(Descriptor("text/plain", SMALL.digest, 6))


@pytest.mark.parametrize("content", [b"hell", b"hellO", b"hello!", b""])
def test_other_content_is_not_stored(store, content):
    with pytest.raises(InvalidImage):
        store.put(SMALL, io.BytesIO(content))
    assert files(store) == []


def test_a_damaged_blob_is_mended_by_storing_it_again(store):
    store.put_bytes(SMALL, b"hello")
    path = os.path.join(store.path, "sha256", hex_of(SMALL.digest))
    with open(path, "wb") as damaged:
        damaged.write(b"HELLO")
    store.put(SMALL, io.BytesIO(b"hello"))
    with store.open_blob(SMALL) as stream:
        assert stream.read() == b"hello"


def test_the_size_is_found_where_nobody_knew_it(store):
    found = store.put(Descriptor("text/plain", SMALL.digest, UNKNOWN_SIZE), io.BytesIO(b"hello"))
    assert found == SMALL


def test_sha512_blobs_have_their_own_directory(store):
    digest = Digest("sha512:" + hashlib.sha512(b"hello").hexdigest())
    store.put(Descriptor("text/plain", digest, 5), io.BytesIO(b"hello"))
    assert os.listdir(store.path) == ["sha512"]


def test_what_a_killed_writer_left_is_swept(store):
    script = f"""
import os, signal
from slimml.oci.blobs import BlobStore
sink = BlobStore({store.path!r}).writer()
sink.write(b"hel")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert len(files(store)) == 1
    store.sweep()
    assert files(store) == []


def test_a_living_writer_is_not_swept(store):
    with store.writer() as sink:
        sink.write(b"hello")
        store.sweep()
        assert sink.commit("text/plain") == SMALL
    assert files(store) == [hex_of(SMALL.digest)]


def test_a_blob_too_long_is_refused_before_it_is_read():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b"x" * size

    endless = Endless()
    with pytest.raises(InvalidImage, match="longer than"):
        verified(endless, SMALL).read()
    assert endless.given <= SMALL.size + 1


def test_the_last_bytes_are_not_given_when_the_digest_is_wrong():
    stream = verified(io.BytesIO(b"hellO"), SMALL)
    assert stream.read(4) == b"hell"
    with pytest.raises(InvalidImage, match="other content"):
        stream.read(4)
