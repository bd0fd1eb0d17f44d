"""Output arrives in frames cut anywhere; a stream that ends in a frame is no output that ended."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimml.engine.container import OUTPUT_BYTES, Output
from slimml.engine.daemon.frames import Streams
from slimml.engine.daemon.wording import command_ended, refused_limits, refused_network, start_failure
from slimml.errors import Refused, Unavailable


def frame(kind, content):
    return struct.pack(">BxxxI", kind, len(content)) + content


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40))), st.integers(1, 9))
def test_frames_are_sorted_however_they_are_cut(frames, size):
    source = io.BytesIO(b"".join(frame(kind, content) for kind, content in frames))
    streams = Streams()
    streams.receive(lambda wanted: source.read(min(wanted, size)))
    expected = [b"".join(content for kind, content in frames if kind == wanted) for wanted in (1, 2)]
    assert streams.taken() == tuple(expected)


@pytest.mark.parametrize("cut", [1, 7, 8, 11])
def test_a_stream_cut_off_in_a_frame_is_an_error(cut):
    source = io.BytesIO(frame(1, b"words")[:cut])
    streams = Streams()
    with pytest.raises(Unavailable, match="in the middle"):
        streams.receive(source.read)


def test_output_past_the_limit_is_read_and_refused():
    piece = frame(1, bytes(1 << 20))
    source = io.BytesIO(piece * ((OUTPUT_BYTES >> 20) + 1))
    streams = Streams()
    streams.receive(source.read)
    assert source.read() == b""
    with pytest.raises(Refused, match="more than 64 MiB"):
        streams.taken()


RUNC = (
    "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
    'exec: "/nope": stat /nope: no such file or directory: unknown'
)
CRUN = "crun: executable file `nope` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found"  # noqa: E501


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (RUNC, 'exec: "/nope": stat /nope: no such file or directory'),
        (f"preparing container 1f for attach: {CRUN}", CRUN.rpartition(": OCI")[0].removeprefix("crun: ")),
        ("no more room", "no more room"),
    ],
)
def test_why_a_container_does_not_start(said, expected):
    assert start_failure(said) == expected


def test_a_command_that_docker_could_not_run():
    said = b'OCI runtime exec failed: exec failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown\r\n'  # noqa: E501
    told = Output(127, b"", b'exec: "x": executable file not found in $PATH\n')
    assert command_ended(Output(126, said, b"")) == told


def test_a_command_that_could_run_is_left_alone():
    own = Output(126, b"OCI", b"own words")
    assert command_ended(own) == own


def test_what_an_engine_cannot_do_is_known_by_its_words():
    assert refused_limits("crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied")
    assert refused_network("could not find slirp4netns, the network namespace can't be configured")
    assert not refused_limits(RUNC)
    assert not refused_network(RUNC)
