"""A model file made smaller without samples, as the pipeline of images calls it: two tiers that are checked here, and a
third that somebody else has to judge.

Each takes one file and writes another; both are told apart from a file that stays as it is by the type of the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slimml.models import cast
from slimml.models.kind import kind_of
from slimml.models.model_file import Format
from slimml.models.unsuitable import Unsuitable

LOSSLESS_KEY = "models-lossless-1"
"""changes when `lossless` makes other bytes of the same file"""
COMPACT_KEY = "models-compact-1"
"""changes when `compact` makes other bytes of the same file"""
QUANTIZE_KEY = "models-quantize-1"
"""changes when `quantize` makes other bytes of the same file"""
WORTH_SHARE = 0.01
WORTH_BYTES = 64 << 10
_PAYS = 0.6
"""of a file's bytes, at most, for weights in int8 to be most of them; else they lie where int8 is slow (Conv)"""
"""a file that becomes smaller by less than both stays as it is: nothing is worth touching it"""


@dataclass(frozen=True)
class Shrunk:
    """The target was written and checked; `did` says what became of the file."""

    did: str


@dataclass(frozen=True)
class Left:
    """No target is there; `reason` ends the sentence "left as it is: …"."""

    reason: str


def lossless(source: Path, target: Path) -> Shrunk | Left:
    """Write `source` to `target` with every weight that inference reads bit for bit; the first tier."""
    return _guarded(source, target, _lossless)


def compact(source: Path, target: Path, half: str | None = None) -> Shrunk | Left:
    """Write `source` to `target` with weights stored in fewer bits that are fp32 again once loaded; the second tier.

    `half` (F16, BF16) is what the application casts safetensors to anyway (`cast.type_of_config`), None when unknown.
    What has no such form is made smaller as `lossless` does it.
    """
    return _guarded(source, target, lambda old, new: _compact(old, new, half))


def quantize(source: Path, target: Path, half: str | None = None) -> Shrunk | Left:
    """Write `source` to `target` computing in int8 where that pays (MatMul, Gemm, Gather of ONNX); the third tier.

    What the model answers changes: whoever calls this has to ask it real questions. What has no such form is made
    smaller as `compact` does it.
    """
    return _guarded(source, target, lambda old, new: _quantize(old, new, half))


def _guarded(source: Path, target: Path, shrink: Callable[[Path, Path], str]) -> Shrunk | Left:
    try:
        did = shrink(source, target)
    except Unsuitable as unsuitable:
        target.unlink(missing_ok=True)
        return Left(str(unsuitable))
    except Exception as error:
        # Files come from strangers, and the libraries that read them raise what they like.
        target.unlink(missing_ok=True)
        return Left(f"{type(error).__name__} while it was read: {(str(error).splitlines() or [''])[0][:200]}")
    before, after = source.stat().st_size, target.stat().st_size
    if before - after < min(WORTH_BYTES, before * WORTH_SHARE):
        target.unlink()
        return Left("nothing in it to save")
    return Shrunk(did)


def _lossless(source: Path, target: Path) -> str:
    match kind_of(source):
        case Format.ONNX:
            return _tidied(source, target)
        case Format.TORCH_ZIP | Format.TORCH_LEGACY:
            from slimml.models.torch_checkpoint import without_training

            return without_training(source, target)
        case Format.JOBLIB:
            raise Unsuitable("nothing in it is too much, and a compressed layer holds it as small as joblib would")
        case kind:
            raise Unsuitable(f"nothing is known to be too much in {kind or 'a file of this kind'}")


def _compact(source: Path, target: Path, half: str | None) -> str:
    match kind_of(source):
        case Format.ONNX:
            return _stored(source, target)
        case Format.SAFETENSORS if half is not None:
            changed = cast.cast(source, target, half)
            return f"{changed} tensors from F32 to {half}, which its config says they are cast to"
        case Format.SAFETENSORS:
            raise Unsuitable("no config says that the application casts its weights to half precision")
        case _:
            return _lossless(source, target)


def _quantize(source: Path, target: Path, half: str | None) -> str:
    if kind_of(source) is not Format.ONNX:
        return _compact(source, target, half)
    from slimml.models.graph import check, reading
    from slimml.models.graph.quantized import DYNAMIC, dynamic_int8

    if reading.data_file_of(source):
        raise Unsuitable("its weights lie in another file")
    dynamic_int8(source, target)
    if target.stat().st_size >= source.stat().st_size * _PAYS:
        return _compact(source, target, half)
    check.check(target, like=source)
    return f"{', '.join(DYNAMIC)} computed in int8"


def _tidied(source: Path, target: Path) -> str:
    from slimml.models.graph import check, lossless, reading

    if reading.data_file_of(source):
        raise Unsuitable("its weights lie in another file")
    model = reading.load(source)
    before = set(lossless.weights_of(model))
    did = lossless.tidy(model)
    if not set(lossless.weights_of(model)) <= before:
        raise Unsuitable("a weight would have changed")
    reading.save(model, target)
    if did:
        check.check(target, like=source)
    return ", ".join(did)


def _stored(source: Path, target: Path) -> str:
    from slimml.models.graph import check, lossless, reading, stored

    if reading.data_file_of(source):
        raise Unsuitable("its weights lie in another file")
    model = reading.load(source)
    lossless.tidy(model)
    done = stored.store_int8(model)
    reading.save(model, target)
    check.check(target, like=source)
    return (
        f"{done.int8} weights stored in int8 and {done.half} in half precision, fp32 again once loaded "
        f"(relative error at most {done.worst:.3f})"
    )
