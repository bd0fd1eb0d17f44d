"""Magika: the kind of files that this machine has anyway, told from their bytes; the name's suffix is the answer."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from subject import Subject, session, unpacked, write_samples

from slimml.models.model_file import Format

PACKAGE = "magika==1.0.3"
LABELS = {
    ".py": ("python",), ".pyc": ("pythonbytecode",), ".json": ("json",), ".md": ("markdown",), ".h": ("c", "cpp"),
    ".html": ("html",), ".css": ("css",), ".js": ("javascript",), ".png": ("png",), ".svg": ("svg",), ".xml": ("xml",),
    ".yml": ("yaml",), ".yaml": ("yaml",), ".sh": ("shell",), ".gz": ("gzip",), ".toml": ("toml",), ".so": ("elf",),
    ".whl": ("zip", "jar"), ".ttf": ("ttf",), ".rst": ("rst",), ".npy": ("npy",), ".pl": ("perl",), ".zip": ("zip",),
    ".gif": ("gif",), ".ini": ("ini",), ".csv": ("csv",), ".pdf": ("pdf",), ".onnx": ("onnx",), ".tex": ("latex",),
}  # fmt: skip
EACH = 9
PLACES = ("/usr/include", "/usr/share/doc", "/usr/share/perl", "/usr/share/fonts")


def subjects(work: Path) -> list[Subject]:
    """The one model, with a form in which two classes changed places."""
    place = unpacked(PACKAGE, work) / "magika" / "models" / "standard_v3_3"
    own = work / "magika"
    own.mkdir(exist_ok=True)
    labels = json.loads((place / "config.min.json").read_text("utf-8"))["target_labels_space"]
    files = chosen()
    feeds = [{"bytes": features(path.read_bytes())} for path in files]
    right = [LABELS[path.suffix] for path in files]
    swapped = own / "swapped.onnx"
    _swap(place / "model.onnx", swapped, labels.index("python"), labels.index("json"))

    def accuracy(path: Path) -> float:
        opened = session(path)
        found = [labels[int(opened.run(None, feed)[0][0].argmax())] for feed in feeds]
        return sum(label in names for label, names in zip(found, right, strict=True)) / len(files)

    return [
        Subject(PACKAGE, place / "model.onnx", Format.ONNX, f"kind of {len(files)} files told right", accuracy,
                write_samples(own / "samples", feeds), given={"sabotage: two classes swapped": swapped}),
    ]  # fmt: skip


def chosen() -> list[Path]:
    """Files of each suffix, those of this Python and of the system, in the order of their names."""
    found: dict[str, list[Path]] = {}
    for place in (sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"], *PLACES):
        for path in sorted(Path(place).rglob("*")):
            some = found.setdefault(path.suffix, [])
            # One of a directory, so that the files are not all alike.
            if path.suffix in LABELS and len(some) < EACH and all(path.parent != other.parent for other in some):
                some += [path] if path.is_file() and 256 < path.stat().st_size < 4 << 20 else []
    return [path for suffix in LABELS for path in found.get(suffix, [])]


def features(content: bytes) -> np.ndarray[Any, Any]:
    """1,024 bytes of each end, white space off, padded with 256, as Magika's own code takes them."""
    first, last = content[:4096].lstrip()[:1024], content[-4096:].rstrip()[-1024:]
    values = [*first, *[256] * (1024 - len(first)), *[256] * (1024 - len(last)), *last]
    return np.array([values], np.int32)


def _swap(source: Path, target: Path, first: int, second: int) -> None:
    model = onnx.load(source)
    name = model.graph.output[0].name
    classes = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    order = np.arange(classes)
    order[[first, second]] = second, first
    for node in model.graph.node:
        for number, given in enumerate(node.output):
            if given == name:
                node.output[number] = "before_swap"
    model.graph.initializer.append(numpy_helper.from_array(order, "order"))
    model.graph.node.append(onnx.helper.make_node("Gather", ["before_swap", "order"], [name], axis=1))
    onnx.save(model, target)
