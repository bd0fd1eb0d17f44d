"""Checkpoints without their optimizer's state: what stays is the same, bit for bit; what cannot be done is not done."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest

from slimml.models.content import Content, Cursor, Unreadable
from slimml.models.pickles.machine import load
from slimml.models.pickles.writer import dump
from slimml.models.recognise import recognise_file
from slimml.models.torch_checkpoint import without_optimizer, without_training
from slimml.models.unsuitable import Unsuitable

FILES = Path(__file__).parent / "files"
BOTH = pytest.mark.parametrize("name", ["checkpoint.pt", "checkpoint-legacy.pt"])


def stored(path):
    """The bytes of every tensor that lies in one piece, by name."""
    data = path.read_bytes()
    return {
        one.name: data[one.offset : one.offset + one.bytes]
        for one in recognise_file(path).tensors
        if one.offset is not None
    }


def pickle_of(path):
    """What a checkpoint's own pickle describes."""
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        return load(Cursor(Content.of_bytes(archive.read(name)))).value


@BOTH
def test_the_weights_stay_bit_for_bit(tmp_path, name):
    without_optimizer(FILES / name, tmp_path / "small.pt")
    assert stored(tmp_path / "small.pt") == stored(FILES / name)


@BOTH
def test_the_optimizer_s_state_is_gone(tmp_path, name):
    stripped = without_optimizer(FILES / name, tmp_path / "small.pt")
    assert (recognise_file(tmp_path / "small.pt").optimizer_bytes, stripped.after) == (
        0,
        (tmp_path / "small.pt").stat().st_size,
    )
    assert stripped.before - stripped.after > 480


def test_the_parameter_groups_stay(tmp_path):
    without_optimizer(FILES / "checkpoint.pt", tmp_path / "small.pt")
    before, after = (pickle_of(path).get("optimizer") for path in (FILES / "checkpoint.pt", tmp_path / "small.pt"))
    old, new = (one.get("param_groups").items[0].items for one in (before, after))
    assert ([key for key, _ in old], after.get("state").items) == ([key for key, _ in new], [])


def test_storages_are_aligned_as_torch_aligns_them(tmp_path):
    without_optimizer(FILES / "checkpoint.pt", tmp_path / "small.pt")
    offsets = {one.name: one.offset for one in recognise_file(tmp_path / "small.pt").tensors}
    assert offsets["model.0.weight"] % 64 == 0


def test_the_result_is_the_same_each_time(tmp_path):
    for name in ("a.pt", "b.pt"):
        without_optimizer(FILES / "checkpoint.pt", tmp_path / name)
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


@BOTH
def test_a_second_time_finds_nothing(tmp_path, name):
    without_optimizer(FILES / name, tmp_path / "small.pt")
    assert without_optimizer(tmp_path / "small.pt", tmp_path / "again.pt") is None
    assert not (tmp_path / "again.pt").exists()


@pytest.mark.parametrize("name", ["script.pt", "model.onnx", "logistic-2.pkl", "model.keras"])
def test_other_files_are_left_alone(tmp_path, name):
    with pytest.raises(Unreadable):
        without_optimizer(FILES / name, tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_a_checkpoint_that_would_run_something_is_left_alone(tmp_path):
    data = io.BytesIO()
    with zipfile.ZipFile(FILES / "checkpoint.pt") as old, zipfile.ZipFile(data, "w") as new:
        for name in old.namelist():
            more = b"(cos\nsystem\n0" if name.endswith("data.pkl") else b""
            content = old.read(name)
            new.writestr(name, content[:2] + more + b"0" * bool(more) + content[2:])
    (tmp_path / "evil.pt").write_bytes(data.getvalue())
    with pytest.raises(Unreadable, match=r"would run os\.system"):
        without_optimizer(tmp_path / "evil.pt", tmp_path / "small.pt")


@BOTH
def test_a_checkpoint_that_is_cut_off_is_left_alone(tmp_path, name):
    (tmp_path / "cut.pt").write_bytes((FILES / name).read_bytes()[:-200])
    with pytest.raises(Unreadable):
        without_optimizer(tmp_path / "cut.pt", tmp_path / "small.pt")


def test_the_words_for_a_change_and_for_none(tmp_path):
    assert without_training(FILES / "checkpoint.pt", tmp_path / "small.pt") == (
        "optimizer state out (optimizer); 6 tensors as they were"
    )
    with pytest.raises(Unsuitable, match="no optimizer state"):
        without_training(FILES / "module.pt", tmp_path / "other.pt")


SHARED = ["x"]
VALUES = [
    None, True, 0, 255, 256, -1, 1 << 16, -(1 << 31), 1 << 31, 1 << 70, -(1 << 2000), 1 << 9000, 0.1, float("inf"), "",
    "wörds", "\ud800", b"", b"x" * 300, bytearray(b"x" * 5000), "x" * 5000, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4),
    [1, [2]], {}, {"a": {"b": (1, 2)}, 3: None}, {1, 2}, frozenset({3}), [SHARED, SHARED], complex(1, 2), range(3),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_what_is_written_again_is_the_same_to_python(value):
    source = Content.of_bytes(pickle.dumps(value, 5))
    loaded = load(Cursor(source))
    assert pickle.loads(dump(loaded.value, source, loaded.protocol, lambda pairs: pairs)) == value


def test_what_one_object_is_stays_one():
    source = Content.of_bytes(pickle.dumps([SHARED, SHARED], 2))
    first, second = pickle.loads(dump(load(Cursor(source)).value, source, 2, lambda pairs: pairs))
    assert first is second


def test_a_list_inside_itself_stays_so():
    around = []
    around.append(around)
    source = Content.of_bytes(pickle.dumps(around, 2))
    again = pickle.loads(dump(load(Cursor(source)).value, source, 2, lambda pairs: pairs))
    assert again[0] is again
