"""What many measurements say: for each image and setting the medians, and how each image compares with the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from slimml.bench.host_facts import noise_in_words
from slimml.bench.results import ImageFacts, Measure, Measurement
from slimml.bench.statistics import NOISE, Estimate, median, paired_ratio, spread


@dataclass(frozen=True)
class Figures:
    """One image in one setting. `seconds` is all phases together, `ratio` that of the rounds' pairs to the first image
    (below 1 is quicker); None where nothing was measured. `counters` are medians of what was counted.

    `spread` is that of `seconds`, as a share; `failures` say what went wrong, each once.
    """

    image: ImageFacts
    seconds: Estimate | None
    phases: Mapping[str, Estimate]
    counters: Mapping[str, float]
    ratio: Estimate | None
    spread: float
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """What was measured the same way; `images` in the order of the command line."""

    measure: Measure
    link: str | None
    page_cache: str | None
    images: tuple[Figures, ...]


@dataclass(frozen=True)
class Summary:
    """All settings, in the order in which they were measured. `noise` says why to distrust the figures, if at all;
    `remarks` what else was said, each once.
    """

    settings: tuple[Setting, ...]
    noise: tuple[str, ...]
    remarks: tuple[str, ...]

    def of(self, measure: Measure) -> tuple[Setting, ...]:
        """The settings of one measure."""
        return tuple(setting for setting in self.settings if setting.measure is measure)


def summarize(measured: Iterable[Measurement]) -> Summary:
    """Medians and ratios. Warm-ups give only counters, where no other round counted."""
    everything = list(measured)
    groups: dict[tuple[Measure, str | None, str | None], list[Measurement]] = {}
    for one in everything:
        groups.setdefault(one.setting, []).append(one)
    settings = tuple(Setting(*key, _images(group)) for key, group in groups.items())
    loads = [load for one in everything for load in (one.load_before, one.load_after) if load is not None]
    remarks = dict.fromkeys(remark for one in everything for remark in one.remarks)
    return Summary(settings, (*noise_in_words(loads), *_unsteady(settings)), tuple(remarks))


def _images(group: Sequence[Measurement]) -> tuple[Figures, ...]:
    images = sorted({one.image.position: one.image for one in group}.items())
    by_image = {position: [one for one in group if one.image.position == position] for position, _ in images}
    first = _good(by_image[0]) if 0 in by_image else []
    return tuple(_figures(image, by_image[position], first) for position, image in images)


def _good(rows: Sequence[Measurement]) -> list[Measurement]:
    return [one for one in rows if not one.warm_up and one.failure is None]


def _figures(image: ImageFacts, rows: Sequence[Measurement], first: Sequence[Measurement]) -> Figures:
    good = _good(rows)
    counters = _counters(good)
    timed = [one for one in good if one.phases]
    names = dict.fromkeys(name for one in timed for name in one.phases)
    return Figures(
        image=image,
        seconds=median([one.seconds for one in timed]) if timed else None,
        phases={name: median([one.phases.get(name, 0.0) for one in timed]) for name in names},
        counters={**_counters(rows), **counters},
        ratio=_ratio(first, timed) if image.position else None,
        spread=spread([one.seconds for one in timed]) if timed else 0.0,
        failures=tuple(dict.fromkeys(one.failure for one in rows if one.failure is not None)),
    )


def _counters(rows: Sequence[Measurement]) -> dict[str, float]:
    counted: dict[str, list[float]] = {}
    for one in rows:
        for name, value in one.counters.items():
            if value is not None:
                counted.setdefault(name, []).append(value)
    return {name: median(values).value for name, values in counted.items()}


def _ratio(first: Sequence[Measurement], other: Sequence[Measurement]) -> Estimate | None:
    """Over the rounds in which both were measured."""
    before = {one.round: one.seconds for one in first if one.phases}
    pairs = [(before[one.round], one.seconds) for one in other if before.get(one.round, 0.0) > 0]
    return paired_ratio([pair[0] for pair in pairs], [pair[1] for pair in pairs]) if pairs else None


def _unsteady(settings: Iterable[Setting]) -> list[str]:
    """Settings whose rounds lie far apart, whatever the load said."""
    found = []
    for setting in settings:
        worst = max((figures.spread for figures in setting.images), default=0.0)
        if worst > NOISE:
            what = " ".join(filter(None, (setting.measure.value, setting.link, setting.page_cache)))
            found.append(f"the rounds of {what} lie {worst:.0%} apart")
    return found
