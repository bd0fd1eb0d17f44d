"""Layers read by several processes are the layers that one process reads, also when some of them fail."""

import gc
import os
import random

import pytest
from tiny_image import put_layout, tiny

from slimml.errors import InvalidImage
from slimml.inventory import read_layers as module
from slimml.inventory.read_layers import read_layers
from slimml.oci.limits import DEFAULT_LIMITS
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image


@pytest.fixture
def image(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_WORTH_A_FORK", 0)
    monkeypatch.setattr(module, "_processors", lambda: 3)
    layers = [{f"layer{n}/file{m}": random.Random(n * m).randbytes(5000) for m in range(50)} for n in range(7)]
    put_layout(tmp_path / "image", tiny(*layers, layers[0]))
    return open_image(parse_reference(f"oci:{tmp_path}/image"))


def children():
    return {pid for pid in os.listdir("/proc") if pid.isdigit() and _parent(pid) == os.getpid()}


def _parent(pid):
    try:
        return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def test_several_processes_read_what_one_reads(image, monkeypatch):
    several = read_layers(image, DEFAULT_LIMITS)
    monkeypatch.setattr(module, "_processors", lambda: 1)
    alone = read_layers(image, DEFAULT_LIMITS)
    assert several.keys() == alone.keys() == {layer.diff_id for layer in image.layers}
    assert all(several[digest].table.equals(alone[digest].table) for digest in alone)
    assert [several[digest].blob_bytes for digest in alone] == [alone[digest].blob_bytes for digest in alone]


def test_what_a_process_does_not_deliver_is_read_again(image, monkeypatch):
    def dies(*arguments):
        os._exit(9)

    monkeypatch.setattr(module, "_deliver", dies)
    before = children()
    assert len(read_layers(image, DEFAULT_LIMITS)) == 7
    assert children() <= before


def test_what_is_cut_off_is_read_again(image, monkeypatch):
    def half(image, layers, queue, limits, results):
        for number in queue:
            results.write(number.to_bytes(2, "little") + b"no inventory")

    monkeypatch.setattr(module, "_deliver", half)
    assert len(read_layers(image, DEFAULT_LIMITS)) == 7


def test_an_error_in_any_process_is_told_and_leaves_no_process(image, tmp_path):
    for blob in (tmp_path / "image/blobs/sha256").iterdir():
        if blob.stat().st_size > 10_000:
            data = bytearray(blob.read_bytes())
            data[5000] ^= 0xFF
            blob.write_bytes(data)
    before = children()
    with pytest.raises(InvalidImage):
        read_layers(image, DEFAULT_LIMITS)
    assert children() <= before


class Waiting:
    """Garbage in a circle; whoever collects it is told to the pipe, where a compressor would wait for its threads."""

    def __init__(self, told):
        self.told = told
        self.me = self

    def __del__(self):
        os.write(self.told, b"%d " % os.getpid())


def test_what_waits_to_be_collected_is_left_to_the_first_process(image, monkeypatch):
    deliver = module._deliver

    def eager(*arguments):
        gc.set_threshold(1, 1, 1)
        deliver(*arguments)

    monkeypatch.setattr(module, "_deliver", eager)
    reader, told = os.pipe()
    before = gc.get_threshold()
    gc.set_threshold(1 << 30)
    try:
        for _ in range(100):
            Waiting(told)
        read_layers(image, DEFAULT_LIMITS)
        assert gc.isenabled()
        gc.collect()
    finally:
        gc.set_threshold(*before)
        os.close(told)
    assert set(os.read(reader, 1 << 16).split()) == {b"%d" % os.getpid()}
    os.close(reader)
