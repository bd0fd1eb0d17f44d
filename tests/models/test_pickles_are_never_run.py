"""Pickles that would run something: reported by name, in whatever they are wrapped, and never run."""

import io
import os
import pickle
import time
import zipfile
import zlib

import pytest

from slimml.models.content import Content, Cursor
from slimml.models.pickles.machine import load
from slimml.models.recognise import recognise


class Runs:
    """Its pickle calls `what`."""

    def __init__(self, what, *arguments):
        self.call = (what, arguments)

    def __reduce__(self):
        return self.call


def dangers(data, name="model.pkl"):
    model = recognise(Content.of_bytes(data), name)
    return [] if model is None else [str(call) for call in model.dangers]


def archive(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("archive/data.pkl", data)
        made.writestr("archive/version", "3\n")
    return out.getvalue()


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_of_the_system_is_named_and_not_made(tmp_path, protocol):
    sign = tmp_path / "it ran"
    data = pickle.dumps({"weights": [1, 2], "x": Runs(os.system, f"touch '{sign}'")}, protocol)
    assert dangers(data) == ["posix.system"]
    assert not sign.exists()


@pytest.mark.parametrize("what", [eval, exec, __import__, getattr, open, os.popen, pickle.loads, io.open_code])
def test_what_no_model_has_need_of_is_dangerous(what):
    assert len(dangers(pickle.dumps(Runs(what, "1")))) == 1


@pytest.mark.parametrize(
    "wrap", [archive, zlib.compress, lambda data: b"\x80\x02}." + data], ids=["zip", "zlib", "second"]
)
def test_a_wrapping_hides_nothing(wrap):
    data = pickle.dumps(Runs(os.system, "true"), 2)
    assert dangers(wrap(data)) == ["posix.system"]


def test_what_runs_before_a_pickle_breaks_off_is_reported():
    assert dangers(b"cos\nsystem\n(S'true'\ntR\xff and then nonsense") == ["os.system"]


def test_a_dotted_name_reaches_through_harmless_modules():
    assert dangers(b"\x80\x04\x8c\x05torch\x8c\x10_utils.os.system\x93.") == ["torch._utils.os.system"]


def test_a_name_that_is_put_together_is_reported_as_unknown():
    data = b"\x80\x04\x8c\x02os\x8c\x06systemK\x01\x86\x93."
    assert [str(one) for one in load(Cursor(Content.of_bytes(data))).globals] == ["os.?"]


def test_a_pickle_inside_a_tensor_s_bytes_counts_as_dangerous():
    assert dangers(b"\x80\x02ctorch.storage\n_load_from_bytes\n(C\x01xtR.") == ["torch.storage._load_from_bytes"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04" + b"]" * 800_000 + b".",
        b"\x80\x02" + b"(" * 100_000 + b".",
        b"\x80\x02]q\x00" + b"h\x00\x85" * 100_000 + b".",
        b"\x80\x04\x8e" + (1 << 62).to_bytes(8, "little") + b".",
        b"\x80\x02K\x01" + b"\x85" * 100_000 + b".",
        b"\x80\x02]q\x00" + b"h\x00a" * 100_000 + b".",
    ],
    ids=["lists", "marks", "references", "a length", "nesting", "itself"],
)
def test_a_pickle_made_to_take_time_and_memory_ends_soon(data):
    begun = time.process_time()
    recognise(Content.of_bytes(data), "model.pkl")
    assert time.process_time() - begun < 10


def test_objects_are_never_made():
    made = []

    class Noisy:
        def __setstate__(self, state):
            made.append(state)

    Noisy.__qualname__ = Noisy.__name__ = "Noisy"
    globals()["Noisy"] = Noisy
    recognise(Content.of_bytes(pickle.dumps(Noisy())), "model.pkl")
    assert made == []
