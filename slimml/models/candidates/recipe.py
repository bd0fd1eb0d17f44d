"""The ways to make a model smaller: which tier each is of, what it needs, and how a file is made by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from slimml.models.model_file import Format
from slimml.models.unsuitable import Unsuitable


class Tier(StrEnum):
    """How far a change goes: no bit of a weight; how weights are stored; how the model computes."""

    LOSSLESS = "lossless"
    COMPACT = "compact"
    QUANTIZE = "quantize"

    @property
    def step(self) -> int:
        """0, 1, 2: a later tier takes in those before it."""
        return list(Tier).index(self)


Make = Callable[[Path, Path, Sequence[Path]], str]
"""Writes the first path's model to the second, with the samples in the files; says what was done. Raises anything."""


@dataclass(frozen=True)
class Recipe:
    """One way. `asked` is True for what is made only when it is named: the application must suit it. `foreign` says
    that the graph holds operators of onnxruntime's own, which onnx's checker does not know.
    """

    name: str
    tier: Tier
    formats: frozenset[Format]
    make: Make
    samples: bool = False
    asked: bool = False
    foreign: bool = False


EXTERNAL = "external-data"
OPTIMISED = "optimised-here"
REDUCED = "int8-static-7bit"
EVERYTHING_INT8 = "int8-dynamic-everything"
"""the usual advice, which ruins models with convolutions; made only to be looked at"""


def recipes(kind: Format, upto: Tier, *, samples: bool, asked: frozenset[str] = frozenset()) -> tuple[Recipe, ...]:
    """The ways for a file of this format, up to a tier, and those that are named in `asked`."""
    return tuple(
        recipe
        for recipe in RECIPES
        if kind in recipe.formats
        and (recipe.name in asked or (not recipe.asked and recipe.tier.step <= upto.step))
        and (samples or not recipe.samples)
    )


def recipe_named(name: str) -> Recipe:
    """The recipe of that name; raises KeyError."""
    return {recipe.name: recipe for recipe in RECIPES}[name]


def _lossless(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models import shrinker

    del samples
    return _done(shrinker.lossless(source, target))


def _cast(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models import cast, shrinker

    del samples
    return _done(shrinker.compact(source, target, cast.type_of_config(source.parent)))


def _packed(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models import packed

    del samples
    packed.pack(source, target)
    return "compressed as joblib compresses"


def _external(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models.graph import lossless, reading

    del samples
    if reading.data_file_of(source):
        raise Unsuitable("its weights lie in another file already")
    model = reading.load(source)
    lossless.tidy(model)
    reading.save(model, target, data=f"{target.name}.data")
    return "weights in a file beside it, which the runtime maps"


def _half(source: Path, target: Path, samples: Sequence[Path]) -> str:
    return _stored(source, target, eight_bits=False)


def _int8(source: Path, target: Path, samples: Sequence[Path]) -> str:
    return _stored(source, target, eight_bits=True)


def _stored(source: Path, target: Path, *, eight_bits: bool) -> str:
    from slimml.models.graph import lossless, reading, stored

    data = reading.data_file_of(source)
    model = reading.load(source)
    lossless.tidy(model)
    done = stored.store_int8(model) if eight_bits else stored.store_half(model)
    if not done.half + done.int8:
        raise Unsuitable("no weight in it can be stored in fewer bits")
    reading.save(model, target, data)
    return f"{done.int8} weights in int8, {done.half} in half precision, relative error at most {done.worst:.3f}"


def _dynamic(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models.graph.quantized import DYNAMIC, dynamic_int8

    del samples
    dynamic_int8(source, target)
    return f"{', '.join(DYNAMIC)} in int8, activations as they come"


def _everything(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models.graph.quantized import dynamic_int8

    del samples
    dynamic_int8(source, target, operators=None)
    return "every operator that onnxruntime quantizes, activations as they come"


def _static(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models.candidates.samples import feeds
    from slimml.models.graph.quantized import MOST_CALIBRATION, STATIC, static_int8

    static_int8(source, target, list(feeds(samples[:MOST_CALIBRATION])))
    return f"{', '.join(STATIC)} in int8, scales from {min(len(samples), MOST_CALIBRATION)} samples"


def _static_reduced(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models.candidates.samples import feeds
    from slimml.models.graph.quantized import MOST_CALIBRATION, STATIC, static_int8

    static_int8(source, target, list(feeds(samples[:MOST_CALIBRATION])), reduce_range=True)
    return f"{', '.join(STATIC)} in 7 bits, scales from {min(len(samples), MOST_CALIBRATION)} samples"


def _int4(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models.graph.quantized import INT4_BLOCK, int4

    del samples
    int4(source, target)
    return f"MatMul in int4 by blocks of {INT4_BLOCK}, the rest stored in int8"


def _optimised(source: Path, target: Path, samples: Sequence[Path]) -> str:
    from slimml.models.graph.quantized import optimised

    del samples
    optimised(source, target)
    return "optimised ahead for a processor like this one"


def _done(outcome: object) -> str:
    from slimml.models.shrinker import Left, Shrunk

    if isinstance(outcome, Left):
        raise Unsuitable(outcome.reason)
    assert isinstance(outcome, Shrunk)
    return outcome.did


_ONNX = frozenset({Format.ONNX})
_TORCH = frozenset({Format.TORCH_ZIP, Format.TORCH_LEGACY})
RECIPES = (
    Recipe("lossless", Tier.LOSSLESS, _ONNX | _TORCH, _lossless),
    Recipe(EXTERNAL, Tier.LOSSLESS, _ONNX, _external, asked=True),
    Recipe("cast", Tier.COMPACT, frozenset({Format.SAFETENSORS}), _cast),
    Recipe("compressed", Tier.COMPACT, frozenset({Format.JOBLIB}), _packed),
    Recipe("fp16-stored", Tier.COMPACT, _ONNX, _half),
    Recipe("int8-stored", Tier.COMPACT, _ONNX, _int8),
    Recipe("int8-dynamic", Tier.QUANTIZE, _ONNX, _dynamic),
    Recipe("int8-static", Tier.QUANTIZE, _ONNX, _static, samples=True),
    Recipe(REDUCED, Tier.QUANTIZE, _ONNX, _static_reduced, samples=True, asked=True),
    Recipe("int4", Tier.QUANTIZE, _ONNX, _int4),
    Recipe(OPTIMISED, Tier.QUANTIZE, _ONNX, _optimised, asked=True, foreign=True),
    Recipe(EVERYTHING_INT8, Tier.QUANTIZE, _ONNX, _everything, asked=True),
)
