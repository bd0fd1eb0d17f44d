"""Whether a written graph is valid, loads, and runs where the one before it runs.

This is a crash check. Inputs made up here say nothing of how good the answers are: on noise a ruined model agrees with
a sound one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.models.unsuitable import Unsuitable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Feed = dict[str, NDArray[np.generic]]

GUESSES = (32, 48, 64, 128, 224, 16, 8, 1, 256, 512, 640)
"""what a length that the graph leaves open is tried with, all open ones together, the first being the batch"""
LARGEST = 1 << 24
"""elements of one input that is made up"""


def check(path: Path, like: Path | None = None, *, foreign: bool = False) -> None:
    """Raises Unsuitable where onnx's checker or onnxruntime refuses the graph at `path`.

    It is run once on a made-up input that `like`, the graph before the change, takes, if one is found. `foreign`
    leaves out the checker, for graphs with operators that only onnxruntime knows.
    """
    import onnx

    try:
        if not foreign:
            onnx.checker.check_model(str(path))
    except Exception as error:
        raise Unsuitable(f"the result is not valid ONNX: {_first_line(error)}") from None
    try:
        after = open_session(path)
        feed = made_up(open_session(like)) if like is not None else None
        if feed is not None:
            after.run(None, feed)
    except Unsuitable:
        raise
    except Exception as error:
        raise Unsuitable(f"onnxruntime does not take the result: {_first_line(error)}") from None


def open_session(path: Path, *, threads: int = 1) -> Any:
    """An onnxruntime session on the CPU, as an application with default options has it, but of one thread.

    Raises Unsuitable without onnxruntime, else what onnxruntime raises.
    """
    try:
        import onnxruntime
    except ImportError:
        raise Unsuitable("running ONNX needs slimml[onnx]") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def made_up(session: Any) -> Feed | None:
    """Values that the session's model runs on, None where none were found."""
    for guess in GUESSES:
        feed = _feed(session, guess)
        if feed is None:
            continue
        try:
            session.run(None, feed)
        except Exception:
            continue
        return feed
    return None


def _feed(session: Any, guess: int) -> Feed | None:
    import numpy as np

    noise = np.random.default_rng(0)
    feed: Feed = {}
    for given in session.get_inputs():
        shape = _shape(given.shape, guess)
        if int(np.prod(shape)) > LARGEST:
            return None
        match given.type:
            case "tensor(float)":
                feed[given.name] = noise.normal(size=shape).astype(np.float32)
            case "tensor(float16)":
                feed[given.name] = noise.normal(size=shape).astype(np.float16)
            case "tensor(double)":
                feed[given.name] = noise.normal(size=shape)
            case "tensor(int64)":
                feed[given.name] = np.ones(shape, np.int64)
            case "tensor(int32)":
                feed[given.name] = np.ones(shape, np.int32)
            case "tensor(uint8)":
                feed[given.name] = np.ones(shape, np.uint8)
            case "tensor(bool)":
                feed[given.name] = np.ones(shape, np.bool_)
            case _:
                return None
    return feed


def _shape(told: list[Any], guess: int) -> list[int]:
    """Lengths that are names, or none, are open; the first axis is the batch."""
    return [
        length if isinstance(length, int) and length > 0 else 1 if axis == 0 else guess
        for axis, length in enumerate(told)
    ]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
