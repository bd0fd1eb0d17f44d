"""The usual quantization of a real OCR model, which ruins it, and what the guard says of it from real lines."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from slimml.models.candidates.drift import drift
from slimml.models.candidates.guard import judge_drift
from slimml.models.graph import check, lossless, reading, stored
from slimml.models.graph.quantized import dynamic_int8

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks/models"
LINES = 12


@pytest.fixture(scope="module")
def lines():
    """Pictures of lines of text, as the recogniser takes them."""
    sys.path.insert(0, str(BENCHMARK))
    try:
        spec = importlib.util.spec_from_file_location("ocr_lines", BENCHMARK / "ocr.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARK))
    return [module.prepared(picture) for picture, _ in module.rendered()[:LINES]]


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    """PP-OCRv4's recogniser out of its wheel; skips where the index cannot be reached."""
    place = tmp_path_factory.mktemp("wheel")
    words = ["pip", "download", "-q", "--no-deps", "-d", str(place), "rapidocr-onnxruntime==1.4.4"]
    if subprocess.run([sys.executable, "-m", *words], capture_output=True, check=False).returncode:
        pytest.skip("the wheel cannot be downloaded")
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("rec_infer.onnx"))
        return Path(archive.extract(name, place))


@pytest.fixture(scope="module")
def ruined(recogniser, tmp_path_factory):
    """Every operator that the quantizer knows in int8."""
    target = tmp_path_factory.mktemp("ruined") / "model.onnx"
    dynamic_int8(recogniser, target, operators=None)
    return target


def answers(path, inputs):
    session = check.open_session(path)
    return [session.run(None, {"x": one})[0] for one in inputs]


def judged(before, after, inputs):
    return judge_drift([drift("text", answers(before, inputs), answers(after, inputs))])


def test_the_usual_quantization_is_refused_from_real_lines(recogniser, ruined, lines):
    assert "of the decoded text agree" in judged(recogniser, ruined, lines).why


def test_the_ruined_model_is_much_smaller_and_valid(recogniser, ruined):
    check.check(ruined, like=recogniser)
    assert ruined.stat().st_size < 0.3 * recogniser.stat().st_size


def test_weights_stored_in_int8_are_right(recogniser, lines, tmp_path):
    model = reading.load(recogniser)
    lossless.tidy(model)
    stored.store_int8(model)
    reading.save(model, tmp_path / "small.onnx")
    assert judged(recogniser, tmp_path / "small.onnx", lines).passed


def test_on_noise_steps_of_the_ruined_model_look_right(recogniser, ruined):
    """Why made-up input is a crash check only."""
    noise = [np.random.default_rng(1).normal(size=(1, 3, 48, 160)).astype(np.float32)]
    (before,), (after,) = answers(recogniser, noise), answers(ruined, noise)
    assert (before.argmax(axis=-1) == after.argmax(axis=-1)).mean() > 0.9
