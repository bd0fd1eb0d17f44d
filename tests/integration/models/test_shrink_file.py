"""Candidates of small models: made in their own processes, checked, judged, and only right ones taken."""

import numpy as np
import onnx
import pytest
import tiny_models
from onnx import numpy_helper

from slimml.errors import UsageError
from slimml.models.candidates.guard import Verdict
from slimml.models.candidates.recipe import EVERYTHING_INT8, EXTERNAL, Tier
from slimml.models.candidates.shrink_file import Options, shrink_file
from slimml.models.model_file import Format

WIDTH = 256


def samples_of(place, count=24, name="input"):
    noise = np.random.default_rng(5)
    place.mkdir()
    paths = []
    for number in range(count):
        paths.append(place / f"{number:02}.npz")
        np.savez(paths[-1], **{name: noise.normal(size=(4, WIDTH)).astype(np.float32)})
    return tuple(paths)


@pytest.fixture
def shrunk(tmp_path):
    """A function: the result of a model under some options, with sabotaged forms beside the recipes'."""

    def shrink(model, given=None, **options):
        onnx.save(model, tmp_path / "model.onnx")
        (tmp_path / "work").mkdir()
        files = {}
        for name, other in (given or {}).items():
            files[name] = tmp_path / f"{name}.onnx"
            onnx.save(other, files[name])
        return shrink_file(tmp_path / "model.onnx", Format.ONNX, tmp_path / "work", Options(rounds=1, **options), files)

    return shrink


def named(result, name):
    return next(one for one in result.candidates if one.name == name)


def test_the_second_tier_is_taken_without_samples(shrunk):
    result = shrunk(tiny_models.classifier(width=WIDTH), upto=Tier.COMPACT)
    assert named(result, "int8-stored").measured.bytes < 0.4 * result.original.measured.bytes


def test_without_samples_nothing_of_the_third_tier_is_right(shrunk):
    result = shrunk(tiny_models.classifier(width=WIDTH), asked=frozenset({EVERYTHING_INT8}))
    assert not named(result, EVERYTHING_INT8).right


def test_a_layer_of_a_wrong_scale_is_refused_by_samples(shrunk, tmp_path):
    sabotaged = tiny_models.classifier(width=WIDTH)
    second = sabotaged.graph.initializer[1]
    scales = np.ones(10, np.float32)
    scales[::2] = 4
    second.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(second) * scales, "second"))
    result = shrunk(tiny_models.classifier(width=WIDTH), {"scale": sabotaged}, samples=samples_of(tmp_path / "samples"))
    assert not named(result, "scale").right


def test_two_swapped_classes_are_refused_by_samples(shrunk, tmp_path):
    sabotaged = tiny_models.classifier(width=WIDTH)
    second = sabotaged.graph.initializer[1]
    order = [1, 0, *range(2, 10)]
    second.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(second)[:, order], "second"))
    result = shrunk(tiny_models.classifier(width=WIDTH), {"swap": sabotaged}, samples=samples_of(tmp_path / "samples"))
    assert not named(result, "swap").right


def test_a_rotated_embedding_is_refused_by_samples(shrunk, tmp_path):
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 32)))[0]
    model, turned = (tiny_models.embedder(WIDTH, turn=one) for one in (None, turn))
    result = shrunk(model, {"turned": turned}, samples=samples_of(tmp_path / "samples"))
    assert not named(result, "turned").right


def test_a_rotated_embedding_is_refused_though_its_metric_is_the_same(shrunk, tmp_path):
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 32)))[0]
    model, turned = (tiny_models.embedder(WIDTH, turn=one) for one in (None, turn))
    samples = samples_of(tmp_path / "samples")
    result = shrunk(model, {"turned": turned}, samples=samples, evaluate=lambda path: 0.8)
    assert "stored vectors" in named(result, "turned").verdict.why


def test_what_agrees_on_samples_is_right(shrunk, tmp_path):
    result = shrunk(tiny_models.embedder(WIDTH), upto=Tier.COMPACT, samples=samples_of(tmp_path / "samples"))
    assert named(result, "int8-stored").verdict.passed


def test_a_judge_has_the_word(shrunk):
    result = shrunk(
        tiny_models.classifier(width=WIDTH), upto=Tier.COMPACT, judge=lambda path: Verdict(False, "probe 3 differs")
    )
    assert (result.taken, named(result, "int8-stored").verdict.why) == ("", "probe 3 differs")


def test_a_maker_that_fails_is_told_and_nothing_else(shrunk, tmp_path):
    """A weight in a Constant node of an If is where makers stumble; whatever they do, the original is the bar."""
    model = tiny_models.branches(np.random.default_rng(2).normal(size=(WIDTH, 32)).astype(np.float32))
    result = shrunk(model, upto=Tier.QUANTIZE, samples=samples_of(tmp_path / "samples", 3))
    assert result.best.measured.bytes <= result.original.measured.bytes


def test_weights_beside_the_graph_are_two_files(shrunk):
    result = shrunk(tiny_models.classifier(width=WIDTH), asked=frozenset({EXTERNAL}))
    assert named(result, EXTERNAL).did


def test_a_metric_that_cannot_be_had_of_the_original_is_an_error(shrunk):
    def evaluate(path):
        raise UsageError("--eval fails on the original")

    with pytest.raises(UsageError):
        shrunk(tiny_models.classifier(width=WIDTH), upto=Tier.COMPACT, evaluate=evaluate)
