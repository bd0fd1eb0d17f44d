"""Pieces as a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimml.oci.places.daemon.pieces import PieceStream


@given(st.lists(st.binary(max_size=20)), st.integers(1, 30))
def test_reading_gives_the_pieces_joined(pieces, size):
    stream = PieceStream(iter(pieces))
    found = []
    while piece := stream.read(size):
        assert len(piece) <= size
        found.append(piece)
    assert b"".join(found) == b"".join(pieces)


def test_reading_all_gives_what_is_left():
    stream = PieceStream(iter([b"abc", b"def"]))
    assert (stream.read(2), stream.read()) == (b"ab", b"cdef")


def test_closing_twice_tells_once():
    told = []
    stream = PieceStream(iter([b"abc"]), lambda: told.append(1))
    stream.close()
    stream.close()
    assert told == [1]


def test_an_error_of_the_source_is_raised():
    def failing():
        yield b"abc"
        raise OSError("gone")

    stream = PieceStream(failing())
    assert stream.read(3) == b"abc"
    with pytest.raises(OSError, match="gone"):
        stream.read(1)
