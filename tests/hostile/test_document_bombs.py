"""JSON that is small and costs much: the cost of any document within the limits is bounded (attack case 10)."""

import time
import tracemalloc
from contextlib import suppress

import pytest

from slimml.errors import SlimmlError
from slimml.oci import documents

MIB = 1 << 20
BOMBS = {
    "escaped quotes without an end": b'{"a": "' + b'\\"' * (4 * MIB - 8),
    "escaped quotes": b'{"a": "' + b'\\"' * (4 * MIB - 8) + b'"}',
    "quotes": b'{"a": ' + b'"' * (8 * MIB - 8),
    "backslashes": b'{"a": "' + b"\\" * (8 * MIB - 8),
    "one long text": b'{"a": "' + b"x" * (8 * MIB - 16) + b'"}',
    "small lists": b'{"a": [' + b"[]," * (2 * MIB) + b"[]]}",
    "open brackets": b'{"a": ' + b"[" * (8 * MIB - 8),
    "a long number": b'{"a": ' + b"9" * (8 * MIB - 8) + b"}",
    "keys": b"{" + b'"a":1,' * MIB + b'"a":1}',
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_10_the_time_of_a_document_within_the_limits_is_bounded(bomb):
    assert len(bomb) <= 8 * MIB
    began = time.process_time()
    with suppress(SlimmlError):
        documents.load_object(bomb, "bomb")
    assert time.process_time() - began < 20


@pytest.mark.parametrize("bomb", ["escaped quotes without an end", "backslashes", "one long text", "open brackets"])
def test_10_the_memory_of_a_document_within_the_limits_is_bounded(bomb):
    tracemalloc.start()
    with suppress(SlimmlError):
        documents.load_object(BOMBS[bomb], "bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * MIB


def test_10_brackets_inside_text_do_not_nest():
    assert documents.load_object(b'{"a": "%s\\"%s"}' % (b"[" * 1000, b"{" * 1000), "text")
