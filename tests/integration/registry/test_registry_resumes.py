"""Connections break, servers are busy: what arrives is complete, byte for byte, or there is an error."""

import re
import threading

import pytest

from slimml.errors import InvalidImage, NotFound, Unavailable
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.places.registry import open_image, write_image
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.repository import Repository
from slimml.oci.verify import verified

BLOB = bytes(range(256)) * 4096
DESCRIPTOR = Descriptor("application/octet-stream", sha256(BLOB), len(BLOB))


def read(repository, size=50_000):
    with verified(repository.open_blob(DESCRIPTOR), DESCRIPTOR) as stream:
        return b"".join(iter(lambda: stream.read(size), b""))


@pytest.fixture
def repository(named, access, hasty):
    return lambda server: Repository(Client(named(server.address, "app").name, access, hasty))


def ranged(reply, handler, said, most=None, ignore_range=False):
    """Serve BLOB, at most `most` bytes of it at a time, and break off there."""
    match = re.fullmatch(r"bytes=(\d+)-", said.headers.get("range", ""))
    start = int(match[1]) if match and not ignore_range else 0
    rest = BLOB[start:]
    headers = {"Content_Length": str(len(rest))}
    if start:
        headers["Content_Range"] = f"bytes {start}-{len(BLOB) - 1}/{len(BLOB)}"
    reply(handler, 206 if start else 200, rest[: most or len(rest)], **headers)
    handler.close_connection = True


def test_a_pull_goes_on_where_the_connection_broke(registry, cutter, make_image, named, access, hasty):
    image = make_image("a", size=3_000_000)
    write_image(image, named(registry, "app:1"), access)
    proxy = cutter(registry, down=400_000, times=3)
    layer = open_image(named(proxy.address, "app:1"), access, hasty).layers[0]
    with layer.open() as found, image.layers[0].open() as expected:
        assert found.read() == expected.read()
    assert proxy.cuts_left <= 0


def test_a_push_goes_on_where_the_connection_broke(registry, cutter, make_image, named, access, hasty):
    image = make_image("a", size=3_000_000)
    proxy = cutter(registry, up=900_000, times=2)
    write_image(image, named(proxy.address, "app:1"), access, patience=hasty)
    with open_image(named(registry, "app:1"), access).layers[0].open() as found:
        assert found.read() == image.layers[0].open().read()
    assert proxy.cuts_left <= 0


def test_a_push_that_breaks_too_often_is_unavailable(registry, cutter, make_image, named, access, hasty):
    proxy = cutter(registry, up=300_000, times=100)
    with pytest.raises(Unavailable, match="broke the connection"):
        write_image(make_image("a", size=3_000_000), named(proxy.address, "app:1"), access, patience=hasty)


def test_an_upload_that_failed_leaves_no_tag(registry, cutter, make_image, named, access, hasty):
    proxy = cutter(registry, up=300_000, times=100)
    with pytest.raises(Unavailable):
        write_image(make_image("a", size=3_000_000), named(proxy.address, "app:1"), access, patience=hasty)
    with pytest.raises(NotFound):
        open_image(named(registry, "app:1"), access)


def test_a_damaged_source_is_told_of_and_nothing_is_tagged(registry, make_image, named, access):
    image = make_image("a", size=3_000_000)
    blobs = image.layers[0].blobs
    digest = image.layers[0].descriptor.digest
    blobs.blobs[digest] = blobs.blobs[digest][:-1] + b"!"
    with pytest.raises(InvalidImage, match="has other content"):
        write_image(image, named(registry, "app:1"), access)
    with pytest.raises(NotFound):
        open_image(named(registry, "app:1"), access)


def test_a_source_that_cannot_be_read_is_not_blamed_on_the_registry(registry, make_image, named, access):
    image = make_image("a")

    def broken(descriptor, offset=0):
        raise OSError(5, "Input/output error")

    image.layers[0].blobs.open_blob = broken
    with pytest.raises(Exception, match=r"cannot be read: .*Input/output error"):
        write_image(image, named(registry, "app:1"), access)


def test_progress_counts_each_byte_once_though_it_was_sent_twice(registry, cutter, make_image, named, access, hasty):
    image = make_image("a", size=3_000_000)
    counted = Counting()
    proxy = cutter(registry, up=900_000, times=2)
    write_image(image, named(proxy.address, "app:1"), access, counted, hasty)
    assert counted.done == counted.total == image.compressed_bytes + len(image.config.raw)


class Counting:
    total = done = 0

    def task(self, title, total=None):
        self.total = total
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None

    def advance(self, amount):
        self.done += amount


def test_a_server_that_ignores_ranges_is_skipped_forward(scripted, reply, repository):
    cuts = iter([600_000, 900_000])
    server = scripted(lambda h, said: ranged(reply, h, said, most=next(cuts, None), ignore_range=True))
    assert read(repository(server)) == BLOB


def test_a_reader_may_ask_for_all_bytes_at_once(scripted, reply, repository):
    cuts = iter([600_000])
    server = scripted(lambda h, said: ranged(reply, h, said, most=next(cuts, None)))
    assert repository(server).open_blob(DESCRIPTOR).read() == BLOB


def test_a_server_that_always_breaks_off_ends_in_an_error(scripted, reply, repository):
    server = scripted(lambda h, said: ranged(reply, h, said, most=10))
    with pytest.raises(Unavailable, match="broke off at byte"):
        read(repository(server))


def test_an_answer_from_another_offset_is_refused(scripted, reply, repository):
    server = scripted(lambda h, said: reply(h, 206, BLOB[:10], Content_Range=f"bytes 0-9/{len(BLOB)}"))
    with pytest.raises(Unavailable, match="asked from 5 on"):
        repository(server).open_blob(DESCRIPTOR, 5)


def test_without_a_length_an_early_end_is_resumed(scripted, reply, repository):
    def old(handler, said):
        if said.path == "/v2/" or "range" in said.headers:
            return ranged(reply, handler, said)
        handler.send_response(200)
        handler.end_headers()
        return handler.wfile.write(BLOB[:70_000])

    assert read(repository(scripted(old, version="HTTP/1.0"))) == BLOB


def test_a_busy_registry_is_asked_again(scripted, reply, repository):
    statuses = iter([503, 429, 500])

    def busy(handler, said):
        status = next(statuses, 200) if said.path != "/v2/" else 200
        return ranged(reply, handler, said) if status == 200 else reply(handler, status, Retry_After="0")

    assert read(repository(scripted(busy))) == BLOB


def test_a_registry_that_stays_busy_is_unavailable(scripted, reply, repository):
    server = scripted(lambda h, said: reply(h, 200 if said.path == "/v2/" else 503))
    with pytest.raises(Unavailable, match="answers 503; try again later"):
        repository(server).document("1")
    assert len(server.seen) == 1 + 5


def test_nobody_listening_is_unavailable_at_once(named, access):
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9 cannot be reached"):
        open_image(named("127.0.0.1:9", "app:1"), access)


class Storing:
    """A registry that keeps what it got of an upload that broke off, as the specification has it."""

    def __init__(self, reply, *, forgets=False):
        self.reply, self.forgets = reply, forgets
        self.blobs, self.upload, self.starts = {}, bytearray(), []
        self.taken = threading.Semaphore(0)

    def __call__(self, handler, said):
        method, path = said.method, said.path
        if method == "HEAD":
            data = self.blobs.get(path.rpartition("/")[2])
            return self.reply(handler, 404 if data is None else 200, data or b"")
        return getattr(self, method.lower())(handler, said, path)

    def get(self, handler, said, path):
        if path == "/v2/":
            return self.reply(handler, 200)
        assert self.taken.acquire(timeout=10)
        if self.forgets:
            return self.reply(handler, 404)
        return self.reply(handler, 204, Location="/v2/app/blobs/uploads/1", Range=f"0-{len(self.upload) - 1}")

    def post(self, handler, said, path):
        self.upload.clear()
        self.reply(handler, 202, Location="/v2/app/blobs/uploads/1", Range="0-0")

    def patch(self, handler, said, path):
        self.starts.append(int(said.headers.get("content-range", "0-0").partition("-")[0]))
        assert self.starts[-1] == len(self.upload)
        self.upload += said.body
        self.taken.release()
        self.reply(handler, 202, Location="/v2/app/blobs/uploads/1?x=y", Range=f"0-{len(self.upload) - 1}")

    def put(self, handler, said, path):
        if "/manifests/" in path:
            return self.reply(handler, 201, Docker_Content_Digest=sha256(said.body))
        digest = path.partition("digest=")[2]
        assert sha256(bytes(self.upload)) == digest
        self.blobs[digest] = bytes(self.upload)
        return self.reply(handler, 201)

    def delete(self, handler, said, path):
        self.reply(handler, 204)


def test_a_push_goes_on_at_the_offset_that_the_registry_tells(
    scripted, reply, cutter, make_image, named, access, hasty
):
    image = make_image("a", size=3_000_000)
    storing = Storing(reply)
    proxy = cutter(scripted(storing).address, up=900_000, times=2)
    write_image(image, named(proxy.address, "app:1"), access, patience=hasty)
    assert storing.starts[1] >= 500_000
    assert storing.starts[2] > storing.starts[1]
    assert storing.blobs[image.layers[0].descriptor.digest] == image.layers[0].open().read()


def test_a_push_begins_again_when_the_registry_forgot_the_upload(
    scripted, reply, cutter, make_image, named, access, hasty
):
    image = make_image("a", size=3_000_000)
    storing = Storing(reply, forgets=True)
    proxy = cutter(scripted(storing).address, up=900_000, times=2)
    write_image(image, named(proxy.address, "app:1"), access, patience=hasty)
    assert storing.starts[:3] == [0, 0, 0]
    assert storing.blobs[image.layers[0].descriptor.digest] == image.layers[0].open().read()
