"""What is done to a model in a process of its own: made, checked, run, measured. `python -m … JOB RESULT`, both JSON.

The makers are other people's code on strangers' files: they may raise, crash the process, or take for ever.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slimml.models.unsuitable import Unsuitable

ENOUGH_SECONDS = 1.0
"""of runs at most go into one latency"""
FEWEST_RUNS = 5
MOST_RUNS = 100


def main(job: Path, result: Path) -> None:
    """Do the job; the result is {"done": …}, {"unsuitable": why} or {"failed": why}."""
    given = json.loads(job.read_text("utf-8"))
    try:
        answer = {"done": _VERBS[given.pop("verb")](**given)}
    except Unsuitable as why:
        answer = {"unsuitable": str(why)}
    except BaseException as error:
        answer = {"failed": _words(error)}
    result.write_text(json.dumps(answer), "utf-8")
    sys.stdout.flush()
    # The libraries' own threads and destructors have nothing more to say, and some crash on their way out.
    os._exit(0)


def _words(error: BaseException) -> str:
    from slimml.errors import SlimmlError

    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:300]
    return first if isinstance(error, SlimmlError) else f"{type(error).__name__}: {first}"


def _make(recipe: str, source: str, target: str, samples: list[str]) -> str:
    import logging

    from slimml.models.candidates.recipe import recipe_named

    logging.disable(logging.WARNING)
    return recipe_named(recipe).make(Path(source), Path(target), [Path(sample) for sample in samples])


def _check(model: str, like: str, feed: str, foreign: bool) -> dict[str, Any]:
    """Check `model`; `feed` is where a made-up input that `like` takes is written, if one is found."""
    import numpy as np

    from slimml.models.graph import check

    check.check(Path(model), Path(like) if like != model else None, foreign=foreign)
    session = check.open_session(Path(like))
    made = check.made_up(session)
    if made is not None:
        np.savez(feed, **made)  # type: ignore[arg-type]
    return {"inputs": [given.name for given in session.get_inputs()], "feed": made is not None}


def _run(model: str, samples: list[str], out: str) -> int:
    import numpy as np

    from slimml.models.candidates.samples import feeds
    from slimml.models.graph.check import open_session

    session = open_session(Path(model))
    inputs = [given.name for given in session.get_inputs()]
    names = [given.name for given in session.get_outputs()]
    for number, feed in enumerate(feeds([Path(sample) for sample in samples], inputs)):
        answers = session.run(None, feed)
        np.savez(Path(out) / f"{number:05}.npz", **dict(zip(names, answers, strict=True)))
    return len(samples)


def _measure(model: str, beside: str, sample: str | None) -> dict[str, Any]:
    """Processor seconds of loading and of one run, both of one thread, and the most memory the process had.

    Then the original `beside` it is loaded, too, and both run in turns: whatever else goes on on this machine meets
    both of a pair, so `latency_ratio` holds where the seconds do not.
    """
    import numpy as np  # noqa: F401 - in memory before the clock runs, as onnxruntime below
    import onnxruntime  # noqa: F401

    from slimml.models.candidates.samples import feeds
    from slimml.models.graph.check import open_session

    before = time.process_time()
    session = open_session(Path(model))
    found: dict[str, Any] = {"load": time.process_time() - before, "latency": None, "latency_ratio": None}
    if sample is not None:
        inputs = [given.name for given in session.get_inputs()]
        (feed,) = feeds([Path(sample)], inputs)
        session.run(None, feed)
        found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        found |= _turns(session, open_session(Path(beside)), feed)
    found.setdefault("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    return found


def _turns(session: Any, original: Any, feed: Any) -> dict[str, float]:
    seconds: list[float] = []
    ratios: list[float] = []
    spent = 0.0
    for number in range(MOST_RUNS):
        pair = {}
        for one in (session, original) if number % 2 else (original, session):
            before = time.process_time()
            one.run(None, feed)
            pair[id(one)] = time.process_time() - before
        spent += sum(pair.values())
        # The first pair finds cold caches and buffers not yet made.
        if number:
            seconds.append(pair[id(session)])
            ratios.append(pair[id(session)] / max(pair[id(original)], 1e-9))
        if number >= FEWEST_RUNS and spent > ENOUGH_SECONDS:
            break
    return {"latency": statistics.median(seconds), "latency_ratio": statistics.median(ratios)}


_VERBS: dict[str, Callable[..., Any]] = {"make": _make, "check": _check, "run": _run, "measure": _measure}

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
