"""Model files of every format, written by the libraries that own them (files/make.py), and what is told of each."""

from pathlib import Path

import pytest

from slimml.models.content import Content
from slimml.models.model_file import Format
from slimml.models.recognise import recognise, recognise_file

FILES = Path(__file__).parent / "files"
FOREST = {"RECORD": 576, "F64": 192, "I64": 40}
LOGISTIC = {"F32": 20, "I64": 16, "I32": 4}
KERAS = {"F32": 232, "I32": 4}
KNOWN = [
    ("model.onnx", Format.ONNX, 320, {"F32": 1280}, 0),
    ("external.onnx", Format.ONNX, 320, {"F32": 1280}, 0),
    ("model.safetensors", Format.SAFETENSORS, 58, {"F32": 232}, 0),
    ("checkpoint.pt", Format.TORCH_ZIP, 67, {"F32": 712, "BF16": 12}, 480),
    ("checkpoint-legacy.pt", Format.TORCH_LEGACY, 67, {"F32": 712, "BF16": 12}, 480),
    ("module.pt", Format.TORCH_ZIP, 58, {"F32": 232}, 0),
    ("script.pt", Format.TORCHSCRIPT, 58, {"F32": 232}, 0),
    ("forest.joblib", Format.JOBLIB, 101, FOREST, 0),
    ("forest-zlib.joblib", Format.JOBLIB, 101, FOREST, 0),
    ("forest-gzip.joblib", Format.JOBLIB, 101, FOREST, 0),
    ("forest-xz.joblib", Format.JOBLIB, 101, FOREST, 0),
    ("forest-bz2.joblib", Format.JOBLIB, 101, FOREST, 0),
    ("logistic-0.pkl", Format.PICKLE, 8, LOGISTIC, 0),
    ("logistic-2.pkl", Format.PICKLE, 8, LOGISTIC, 0),
    ("logistic-5.pkl", Format.PICKLE, 8, LOGISTIC, 0),
    ("model.h5", Format.KERAS_H5, 19, KERAS, 160),
    ("model.keras", Format.KERAS_ZIP, 19, KERAS, 160),
    ("tiny.gguf", Format.GGUF, 576, {"Q8_0": 544, "F32": 256}, 0),
    ("tiny.tflite", Format.TFLITE, 6, {"F32": 24}, 0),
    ("frozen.pb", Format.TF_GRAPH, 6, {"F32": 24}, 0),
    ("saved_model.pb", Format.SAVED_MODEL, 6, {"F32": 24}, 0),
    ("variables.index", Format.TF_VARIABLES, 6, {"F32": 48}, 24),
    ("tiny.mlmodel", Format.COREML, None, {}, 0),
    ("weight.bin", Format.COREML, 6, {"F32": 24}, 0),
    ("xgboost.json", Format.XGBOOST, None, {}, 0),
    ("xgboost.ubj", Format.XGBOOST, None, {"I32": 144, "F32": 144, "U8": 18, "I64": 0}, 0),
    ("lightgbm.txt", Format.LIGHTGBM, None, {}, 0),
    ("tokenizer.json", Format.TOKENIZER, None, {}, 0),
    ("spacy-meta.json", Format.SPACY, None, {}, 0),
]


def read(name):
    return recognise_file(FILES / name)


def tensors(name):
    return {tensor.name: tensor for tensor in read(name).tensors}


def stored(name, tensor):
    """The bytes of a tensor, from where the reader says that they are."""
    return (FILES / name).read_bytes()[tensor.offset : tensor.offset + tensor.bytes]


@pytest.mark.parametrize(("name", "kind", "parameters", "dtypes", "optimizer"), KNOWN)
def test_a_file_is_told_by_its_content(name, kind, parameters, dtypes, optimizer):
    model = recognise(Content.of_bytes((FILES / name).read_bytes()))
    assert (model.format, model.parameters, model.bytes_by_dtype, model.optimizer_bytes, model.unread) == (
        kind, parameters, dtypes, optimizer, "",
    )  # fmt: skip


def test_there_is_a_file_of_every_format():
    assert {kind for _, kind, *_ in KNOWN} | {Format.SAFETENSORS_INDEX} == set(Format)


@pytest.mark.parametrize("content", [b"", b"x", b"just some text\n" * 40, b"\x7fELF" + bytes(100), b"PK\x03\x04" * 20])
def test_other_files_are_no_models(content):
    assert recognise(Content.of_bytes(content), "model.bin") is None


def test_a_list_of_words_that_begins_like_a_pickle_is_none():
    assert recognise(Content.of_bytes(b"certifi\nchardet\nidna\nurllib3\n"), "top_level.txt") is None


def test_a_program_s_own_data_in_a_pickle_are_no_model():
    import pickle

    assert recognise(Content.of_bytes(pickle.dumps({"months": ["January", "May"]})), "en.dat") is None


@pytest.mark.parametrize("name", ["model.safetensors", "checkpoint.pt", "checkpoint-legacy.pt"])
def test_the_same_weights_lie_where_each_format_says(name):
    found, reference = tensors(name), tensors("model.safetensors")
    prefix = "" if name == "model.safetensors" else "model."
    assert {key: stored(name, found[prefix + key]) for key in reference} == {
        key: stored("model.safetensors", tensor) for key, tensor in reference.items()
    }


def test_a_tensor_that_is_a_part_of_a_storage_lies_within_it():
    part, whole = tensors("checkpoint.pt")["part"], tensors("checkpoint.pt")["turned"]
    assert (part.shape, part.bytes, whole.shape, whole.offset) == ((3,), 6, (3, 2), None)


def test_weights_in_constant_nodes_are_counted_and_told_apart():
    assert "256 bytes of weights are in 1 Constant nodes, not in initializers" in read("model.onnx").remarks


def test_external_data_are_named_with_how_much_is_needed():
    (external,) = read("external.onnx").external
    assert (external.path, external.bytes) == ("external.bin", 1024)


def test_gguf_tells_the_outermost_dimension_first():
    assert tensors("tiny.gguf")["token_embd.weight"].shape == (2, 32)


def test_joblib_s_arrays_lie_where_it_wrote_them():
    import struct

    (classes,) = [one for one in read("forest.joblib").tensors if one.name == "classes_"]
    assert struct.unpack("<2q", stored("forest.joblib", classes)) == (0, 1)


def test_what_a_pickle_would_import_is_listed():
    assert [str(call) for call in read("logistic-5.pkl").calls] == ["sklearn.linear_model._logistic.LogisticRegression"]


def test_the_optimizer_of_a_checkpoint_is_a_leftover():
    (leftover,) = read("checkpoint.pt").leftovers
    assert (leftover.name, leftover.bytes, leftover.what) == ("optimizer", 480, "optimizer state")


@pytest.mark.parametrize("name", sorted({name for name, *_ in KNOWN} - {"forest-bz2.joblib", "tiny.mlmodel"}))
def test_a_file_that_ends_early_is_unread_or_none(name):
    data = (FILES / name).read_bytes()
    model = recognise(Content.of_bytes(data[: len(data) // 3]), name)
    assert model is None or model.unread
