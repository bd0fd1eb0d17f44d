#!/usr/bin/env python3
"""How often `slimml trend` cries wolf, how many steps it finds, and how soon: made-up series with the measured noise.

    python benchmarks/history/power.py [--series 200] [--nights 90] [--step 0.10] [--output reports]

Writes history-statistics.json and .md. Each kind of noise has a generator of its own from one seed; the same call gives
the same figures. Ends with 1 when the bar is missed: on series without a change at most 2 % false alarms, of steps of
10 % at least 95 % found within three nights, at each noise that the bar is for.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from nights import NOISES, Noise, series

from slimml.history.steps import FEWEST, find_steps

SEED = 8
NEAR = 3
"""nights that a step may be told from where it is, and that it may take until it is told"""
MOST_FALSE, LEAST_FOUND = 0.02, 0.95
BAR = ("2 %", "3 %", "5 %", "processor time", "wall time, 15 rounds")
"""noises for which the bar has to hold; for the others the figures are there to know what not to expect"""


@dataclass(frozen=True)
class Found:
    """Shares of series. `false_alarms`: something is told of a whole series in which nothing happened;
    `false_any_night`: something is told in any of the nights on which it was looked at, though nothing happened.

    `found`: the step is told of the whole series, within NEAR nights of its place; `astray`: something is told
    elsewhere. `told_third` and `told_fourth`: it is told with the third or fourth night that has it (two or three
    nights after the first). `late`: the median of nights after the first one until it is told.
    """

    noise: str
    words: str
    deviation: float
    false_alarms: float
    false_any_night: float
    found: float
    astray: float
    told_third: float
    told_fourth: float
    late: float | None


def main(words: Sequence[str]) -> int:
    """Run everything, write the results; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=200, help="of each kind (%(default)s)")
    parser.add_argument("--nights", type=int, default=90, help="in each of them (%(default)s)")
    parser.add_argument("--step", type=float, default=0.10, help="as a share (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parents[2] / "reports")
    said = parser.parse_args(words)
    found = []
    for noise in NOISES:
        found.append(judge(noise, said.series, said.nights, said.step))
        print(f"{noise.name}: {row(found[-1])}", flush=True)
    what = {"series": said.series, "nights": said.nights, "step": said.step, "seed": SEED}
    text = json.dumps(what | {"noises": [asdict(one) for one in found]}, indent=2)
    (said.output / "history-statistics.json").write_text(text + "\n")
    (said.output / "history-statistics.md").write_text(page(found, said))
    return 0 if all(passes(one) for one in found if one.noise in BAR) else 1


def judge(noise: Noise, count: int, nights: int, step: float) -> Found:
    """All figures of one kind of noise."""
    chance = np.random.default_rng([SEED, NOISES.index(noise)])
    at = nights * 2 // 3
    still = [series(noise, chance, nights) for _ in range(count)]
    stepped = [series(noise, chance, nights, step, at) for _ in range(count)]
    logs = [np.log(values) for values in still]
    false = [bool(places(values)) for values in still]
    places_found = [places(values) for values in stepped]
    late = [nights_until(values, at) for values in stepped]
    return Found(
        noise=noise.name,
        words=noise.words,
        deviation=float(np.median([1.4826 * np.median(np.abs(one - np.median(one))) for one in logs])),
        false_alarms=share(false),
        false_any_night=share([whole or alarmed(values) for whole, values in zip(false, still, strict=True)]),
        found=share([any(near(place, at) for place in told) for told in places_found]),
        astray=share([any(not near(place, at) for place in told) for told in places_found]),
        told_third=share([until is not None and until <= NEAR - 1 for until in late]),
        told_fourth=share([until is not None and until <= NEAR for until in late]),
        late=median_of(late),
    )


def places(values: Sequence[float]) -> list[int]:
    """Where steps are told."""
    return [step.at for step in find_steps(values).steps]


def near(place: int, at: int) -> bool:
    """Whether a step is told where it is."""
    return abs(place - at) <= NEAR


def alarmed(values: Sequence[float]) -> bool:
    """Whether something is told in any night that sees the series up to then."""
    return any(places(values[:seen]) for seen in range(FEWEST, len(values)))


def nights_until(values: Sequence[float], at: int) -> int | None:
    """Nights after the first with the step until a night tells it in its place; None: never."""
    for seen in range(at + 1, len(values) + 1):
        if any(near(place, at) for place in places(values[:seen])):
            return seen - at - 1
    return None


def median_of(late: Sequence[int | None]) -> float | None:
    """Of all series; None where half of the steps are never told."""
    found = float(np.median([np.inf if until is None else until for until in late]))
    return found if np.isfinite(found) else None


def share(told: Sequence[bool]) -> float:
    """How many are true."""
    return sum(told) / len(told)


def passes(one: Found) -> bool:
    """Whether the bar holds."""
    return one.false_alarms <= MOST_FALSE and one.found >= LEAST_FOUND


def passes_strictly(one: Found) -> bool:
    """Whether it holds for somebody who looks every night and wants to know at once."""
    return one.false_any_night <= MOST_FALSE and one.told_fourth >= LEAST_FOUND


def percent(value: float) -> str:
    """A share as the project writes it."""
    return f"{100 * value:g} %"


def row(one: Found) -> str:
    """The cells of a table."""
    late = "never" if one.late is None else f"{one.late:g}"
    shares = (
        one.deviation,
        one.false_alarms,
        one.false_any_night,
        one.found,
        one.astray,
        one.told_third,
        one.told_fourth,
    )
    return " | ".join([*(f"{100 * value:.1f} %" for value in shares), late])


def page(found: Sequence[Found], said: argparse.Namespace) -> str:
    """The results in words."""
    lines = [
        "# What slimml trend finds",
        "",
        f"`python benchmarks/history/power.py`: {said.series} series of {said.nights} nights without a change, and as",
        f"many with a step of {percent(said.step)} after two thirds of them, for each kind of noise.",
        "",
        "| noise | deviation of nights | false alarms | false alarms on any night | found | told elsewhere | told with "
        "the third night | with the fourth | nights until told, median |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(f"| {one.noise} | {row(one)} |" for one in found),
        "",
        "- *False alarms*: something is told of a whole series in which nothing happened. *On any night*: something is",
        f"  told on any of the {said.nights - FEWEST + 1} nights on which the growing series is looked at.",
        f"- *Found*: the step is told of the whole series within {NEAR} nights of its place; *elsewhere*: another one.",
        "- *Told with the third night*: in that place, when three nights have the step, the fewest that can tell it.",
        *(f"- {one.noise}: {one.words}." for one in found),
        "",
        f"The bar, at most {percent(MOST_FALSE)} false alarms and at least {percent(LEAST_FOUND)} found, holds for: "
        + ", ".join(one.noise for one in found if passes(one))
        + ".",
        "Read more strictly, as no more false alarms on any night and told three nights after the first, it holds for: "
        + (", ".join(one.noise for one in found if passes_strictly(one)) or "none")
        + ".",
    ]
    missed = [one.noise for one in found if not passes(one)]
    if missed:
        lines.append(f"It does not hold for: {', '.join(missed)}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
