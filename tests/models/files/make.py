#!/usr/bin/env python3
"""Make the model files beside this script with the libraries that own their formats: `make.py DIRECTORY`.

Needs torch, safetensors, scikit-learn, joblib, xgboost, lightgbm, tokenizers, gguf, keras, spacy, onnx, flatbuffers.
Run once; the files are what the tests read. Core ML, SavedModel and frozen graphs are written by hand, after their
protocol buffers.
"""

import os
import pickle
import struct
import sys
from pathlib import Path

import numpy as np

os.environ["KERAS_BACKEND"] = "torch"

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(60, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def scikit_learn(place):
    import joblib
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, Y)
    joblib.dump(forest, place / "forest.joblib")
    for suffix, how in (("zlib", 3), ("xz", ("xz", 3)), ("bz2", ("bz2", 3)), ("gzip", ("gzip", 3))):
        joblib.dump(forest, place / f"forest-{suffix}.joblib", compress=how)
    for protocol in (0, 2, 5):
        (place / f"logistic-{protocol}.pkl").write_bytes(pickle.dumps(LogisticRegression().fit(X, Y), protocol))


def torch_files(place):
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.tensor(X)).sum().backward()
    optimizer.step()
    weight = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3)
    checkpoint = {
        "epoch": 3,
        "optimizer": optimizer.state_dict(),
        "model": model.state_dict(),
        "note": "hello ✓",
        "turned": weight.t(),
        "part": weight[1],
    }
    torch.save(checkpoint, place / "checkpoint.pt")
    torch.save(checkpoint, place / "checkpoint-legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(model, place / "module.pt")
    torch.jit.save(torch.jit.script(model), place / "script.pt")
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, place / "model.safetensors")


def trees(place):
    import lightgbm
    import xgboost

    parameters = {"objective": "binary", "num_leaves": 4, "min_data_in_leaf": 2, "verbosity": -1}
    lightgbm.train(parameters, lightgbm.Dataset(X, Y), num_boost_round=3).save_model(str(place / "lightgbm.txt"))
    parameters = {"objective": "binary:logistic", "max_depth": 2}
    booster = xgboost.train(parameters, xgboost.DMatrix(X, Y), num_boost_round=3)
    booster.save_model(place / "xgboost.json")
    booster.save_model(place / "xgboost.ubj")


def words(place):
    import spacy
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(special_tokens=["[UNK]"], vocab_size=60)
    tokenizer.train_from_iterator(["hello world of models"] * 3, trainer)
    tokenizer.save(str(place / "tokenizer.json"))
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    (place / "spacy-meta.json").write_text(spacy.util.srsly.json_dumps(pipeline.meta, indent=2))


def gguf_file(place):
    import gguf

    writer = gguf.GGUFWriter(str(place / "tiny.gguf"), "llama")
    writer.add_name("tiny")
    writer.add_token_list(["a", "b"])
    writer.add_tensor("token_embd.weight", np.ones((2, 32), np.float32))
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("blk.0.weight", gguf.quants.quantize(np.ones((2, 256), np.float32), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def keras_files(place):
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(place / "model.keras")
    model.save(place / "model.h5")


def onnx_file(place):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(CHANCE.normal(size=(4, 64)).astype(np.float32), "W")
    nodes = [
        helper.make_node("Constant", [], ["B"], value=numpy_helper.from_array(np.ones(64, np.float32))),
        helper.make_node("MatMul", ["X", "W"], ["M"]),
        helper.make_node("Add", ["M", "B"], ["Y"]),
    ]
    inputs = [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 4])]
    outputs = [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 64])]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, place / "model.onnx")
    onnx.save_model(
        model, place / "external.onnx", save_as_external_data=True, location="external.bin", size_threshold=64
    )


def tflite_file(place):
    import flatbuffers

    made = flatbuffers.Builder()
    data = made.CreateNumpyVector(np.arange(6, dtype=np.float32).view(np.uint8))
    buffers = []
    for content in (None, data):
        made.StartObject(3)
        if content:
            made.PrependUOffsetTRelativeSlot(0, content, 0)
        buffers.append(made.EndObject())
    name, about = made.CreateString("dense/kernel"), made.CreateString("made by hand")
    shape = made.CreateNumpyVector(np.array([2, 3], np.int32))
    made.StartObject(8)
    made.PrependUOffsetTRelativeSlot(0, shape, 0)
    made.PrependUint32Slot(2, 1, 0)
    made.PrependUOffsetTRelativeSlot(3, name, 0)
    tensors = vector(made, [made.EndObject()])
    made.StartObject(5)
    made.PrependUOffsetTRelativeSlot(0, tensors, 0)
    graphs, buffers = vector(made, [made.EndObject()]), vector(made, buffers)
    made.StartObject(8)
    made.PrependUint32Slot(0, 3, 0)
    made.PrependUOffsetTRelativeSlot(2, graphs, 0)
    made.PrependUOffsetTRelativeSlot(3, about, 0)
    made.PrependUOffsetTRelativeSlot(4, buffers, 0)
    made.Finish(made.EndObject(), b"TFL3")
    (place / "tiny.tflite").write_bytes(made.Output())


def vector(made, tables):
    made.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        made.PrependUOffsetTRelative(table)
    return made.EndVector()


def part(number, value):
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def by_hand(place):
    tensor = part(1, 1) + part(2, part(2, part(1, 2)) + part(2, part(1, 3))) + part(4, bytes(24))
    constant = part(1, "kernel") + part(2, "Const") + part(5, part(1, "value") + part(2, part(8, tensor)))
    other = part(1, "y") + part(2, "MatMul") + part(3, "x") + part(3, "kernel")
    graph = part(1, constant) + part(1, other) + part(4, part(1, 1645))
    (place / "frozen.pb").write_bytes(graph)
    about = part(4, "serve") + part(5, "2.16.1")
    (place / "saved_model.pb").write_bytes(part(1, 1) + part(2, part(1, about) + part(2, graph)))
    (place / "tiny.mlmodel").write_bytes(part(1, 6) + part(2, part(100, "about it")) + part(502, part(1, 1)))
    blob = struct.pack("<II56x", 1, 2) + struct.pack("<IIQQQ32x", 0xDEADBEEF, 2, 24, 128, 0) + bytes(24)
    (place / "weight.bin").write_bytes(blob)


def variables(place):
    """An index of variables: a table of LevelDB's kind with one block, as TensorFlow's BundleWriter lays it out."""
    shape = part(2, part(1, 2)) + part(2, part(1, 3))
    entries = {
        "": part(1, 1),
        "kernel/.ATTRIBUTES/VARIABLE_VALUE": part(1, 1) + part(2, shape) + part(5, 24),
        "optimizer/m/.ATTRIBUTES/VARIABLE_VALUE": part(1, 1) + part(2, shape) + part(4, 24) + part(5, 24),
    }
    data = block([(name.encode(), value) for name, value in entries.items()])
    index = block([(b"z", varint(0) + varint(len(data) - 5))])
    empty = block([])
    footer = varint(len(data)) + varint(len(empty) - 5) + varint(len(data) + len(empty)) + varint(len(index) - 5)
    magic = struct.pack("<Q", 0xDB4775248B80FB57)
    (place / "variables.index").write_bytes(data + empty + index + footer.ljust(40, b"\0") + magic)


def block(entries):
    """A block without shared prefixes, its trailer (not compressed, no checksum) behind it."""
    out = b"".join(varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries)
    return out + struct.pack("<II", 0, 1) + bytes(5)


def main():
    place = Path(sys.argv[1])
    makers = (
        scikit_learn,
        torch_files,
        trees,
        words,
        gguf_file,
        keras_files,
        onnx_file,
        tflite_file,
        by_hand,
        variables,
    )
    for make in makers:
        make(place)


main()
