"""From asking for a pull to the first right answer: seconds, and how many times as quick."""

from collections.abc import Sequence

from measured import LINK_NAMES, interval, tag_of

from slimml.bench.results import Measure, Measurement
from slimml.bench.statistics import Estimate, median, paired_ratio


def links_of(measured: Sequence[Measurement]) -> list[str]:
    """The links of its pulls."""
    return list(dict.fromkeys(one.link for one in measured if one.link))


def totals(measured: Sequence[Measurement], link: str) -> dict[str, dict[int, float]]:
    """Seconds from asking for a pull to the first right answer, by tag and round."""
    tags = dict.fromkeys(tag_of(one) for one in sorted(measured, key=lambda one: one.image.position))
    ways = {tag: way([one for one in measured if tag_of(one) == tag], link) for tag in tags}
    return {tag: found[1] for tag, found in ways.items() if found is not None}


def gain(before: dict[int, float], after: dict[int, float]) -> Estimate | None:
    """How many times as quick, by pairs of the same round."""
    rounds = sorted(before.keys() & after.keys())
    return paired_ratio([after[number] for number in rounds], [before[number] for number in rounds]) if rounds else None


def whole(found: dict[str, dict[int, float]], tag: str) -> str:
    """A cell of the way from pull to first answer."""
    if tag not in found:
        return ""
    seconds = median(list(found[tag].values()))
    told = f"{seconds.value:.2f} s{interval(seconds)}"
    first = next(iter(found))
    ratio = gain(found[first], found[tag]) if tag != first else None
    return told if ratio is None else f"{told}<br>**{ratio.value:.1f} times as quick**{interval(ratio)}"


def averages(groups: dict[str, list[Measurement]]) -> list[str]:
    """For each link and tag, how many times as quick the images are on average from pull to first answer."""
    lines = []
    for link in dict.fromkeys(link for measured in groups.values() for link in links_of(measured)):
        ratios: dict[str, list[float]] = {}
        for measured in groups.values():
            found = totals(measured, link)
            first = next(iter(found), "")
            for tag in list(found)[1:]:
                ratio = gain(found[first], found[tag])
                if ratio is not None:
                    ratios.setdefault(tag, []).append(ratio.value)
        for tag, values in ratios.items():
            words = f"{LINK_NAMES.get(link, link)}: `{tag}` is {sum(values) / len(values):.2f} times as quick as the"
            lines.append(f"- {words} original, on average of {len(values)} images.")
    return ["From pull to the first right answer:", "", *lines, ""] if lines else []


def way(measured: Sequence[Measurement], link: str | None) -> tuple[dict[str, float], dict[int, float]] | None:
    """The medians of the phases, and the total of each round; None where something was not measured."""
    good = [one for one in measured if not one.warm_up and one.failure is None]
    starts = {one.round: one for one in good if one.measure is Measure.START and one.page_cache != "warm"}
    pulls = {one.round: one.seconds for one in good if one.measure is Measure.PULL and one.link == link}
    rounds = sorted(starts.keys() & pulls.keys()) if link else sorted(starts)
    if not rounds:
        return None
    phases = {"pull": median([pulls[number] for number in rounds]).value} if link else {}
    for names in (("create",), ("start", "process"), ("ready",), ("first answer",), ("exit",)):
        seconds = [sum(starts[number].phases.get(part, 0.0) for part in names) for number in rounds]
        if any(seconds):
            phases[names[0]] = median(seconds).value
    return phases, {number: starts[number].seconds + pulls.get(number, 0.0) for number in rounds}
