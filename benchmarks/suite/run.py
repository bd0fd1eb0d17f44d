#!/usr/bin/env python3
"""Everything over the benchmark images: size, pulls over each link, cold and warm starts, in one command.

    python benchmarks/suite/run.py [NAME…] [--tags safe,likely] [--rounds 5] [--minutes 120] [--label docker]

The images have to be there as slimml-bench/NAME:latest (benchmarks/images/build.py) and :TAG (slimml optimize). Every
measurement is appended to reports/suite-LABEL.jsonl as soon as it is made. Started again, the command goes on where it
was stopped, by its budget or by anybody. Tables and charts are drawn anew at the end, with --report only from what is
there. Run it on a quiet machine.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import measured
import told

from slimml.bench.benchmark import Bench, Options, Subject, begin_run, measure
from slimml.bench.page_cache import Coldness
from slimml.bench.results import ImageFacts, Measure, Measurement, append_records
from slimml.bench.shaping import Link, parse_link
from slimml.engine.choose import find_engine
from slimml.engine.containerd import ContainerdPuller
from slimml.inventory.cache import default_cache
from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image
from slimml.probes.read import read_suite

ROOT = Path(__file__).resolve().parents[2]
IMAGES = Path("benchmarks/images")
"""beneath ROOT, and so named in every result"""
NAMES = ("onnx-api", "sklearn-batch", "torch-api", "ocr")
WARM = Coldness.WARM.value
IN_DOCKER = "docker-daemon:slimml-bench/{name}:{tag}"
LINKS = "loopback,1gbit,100mbit"


@dataclass(frozen=True)
class Plan:
    """What is to be measured, `tags` the first of which the others are compared with; `until` a time.monotonic().

    The engine that runs and pulls is reached by `access`, the one that has the images by `images`.
    """

    access: Access
    images: Access
    runtime: str
    tags: tuple[str, ...]
    rounds: int
    warm_up: int
    links: tuple[Link, ...]
    until: float
    results: Path
    containerd: bool
    starts: bool
    place: str

    @property
    def over(self) -> bool:
        """Whether the time is used up."""
        return time.monotonic() >= self.until


def done_rounds(known: list[Measurement], name: str, plan: Plan, measure: Measure, setting: str | None) -> int:
    """Rounds of an image in which every tag was measured. `setting` is a link, or how the page cache was."""
    rounds: dict[int, set[str]] = {}
    for one in known:
        if measured.name_of(one) == name and one.measure is measure and setting in (one.link, one.page_cache):
            rounds.setdefault(one.round, set()).update([measured.tag_of(one)] if not one.warm_up else [])
    return sum(set(plan.tags) <= tags for tags in rounds.values())


def done_starts(known: list[Measurement], name: str, plan: Plan) -> int:
    """Rounds of starts, cold and warm ones, of which the cold come first."""
    warm = done_rounds(known, name, plan, Measure.START, WARM)
    caches = {one.page_cache for one in known if one.measure is Measure.START and measured.name_of(one) == name} - {
        WARM
    }
    # Where no start can be made cold, all are called warm.
    return min([warm, *(done_rounds(known, name, plan, Measure.START, cache) for cache in caches)])


def next_steps(known: list[Measurement], name: str, plan: Plan) -> Iterator[Options]:
    """What is left to do for an image: starts first, for they are quick, then pulls."""
    left = plan.rounds - done_starts(known, name, plan)
    if left > 0 and plan.starts:
        yield Options(frozenset({Measure.START}), rounds=left, warm_up=plan.warm_up)
    missing = {link: plan.rounds - done_rounds(known, name, plan, Measure.PULL, link.name) for link in plan.links}
    links = tuple(link for link, count in missing.items() if count > 0)
    if links:
        sized = any(one.measure is Measure.SIZE and measured.name_of(one) == name for one in known)
        wanted = frozenset({Measure.PULL} if sized else {Measure.PULL, Measure.SIZE})
        yield Options(wanted, rounds=max(missing.values()), warm_up=plan.warm_up, links=links)


def subjects_of(name: str, plan: Plan) -> list[Subject]:
    """The images of a name, the original first."""
    found = []
    for position, tag in enumerate(plan.tags):
        image = open_image(parse_reference(plan.place.format(name=name, tag=tag)), plan.images)
        facts = ImageFacts(f"slimml-bench/{name}:{tag}", image.manifest.digest, position)
        found.append(Subject(facts, take_inventory(image, cache=default_cache())))
    return found


def carry_out(name: str, plan: Plan, options: Options, known: list[Measurement]) -> None:
    """Measure until all is done or the time is over, then to the end of the round. Every result is kept at once."""
    suite = read_suite(IMAGES / name / "probes.toml")
    puller = ContainerdPuller() if plan.containerd else None
    bench = Bench(find_engine(plan.runtime, plan.access), plan.access, suite, options, puller=puller)
    run = begin_run(suite)
    subjects = subjects_of(name, plan)
    # Rounds go on counting where an earlier run stopped.
    highest = {key: max(one.round for one in group) + 1 for key, group in measured.by_setting(known, name).items()}
    in_round = 0
    for one in measure(subjects, bench):
        if not one.warm_up:
            one = replace(one, round=one.round + highest.get(one.setting, 0))
            in_round += 1
        append_records(plan.results, run, [one])
        known.append(one)
        print(measured.line(one), file=sys.stderr, flush=True)
        if plan.over and in_round % len(subjects) == 0:
            print("the time is over; start again to go on", file=sys.stderr)
            return


def parse() -> tuple[argparse.Namespace, Plan]:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(NAMES), metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--tags", default="safe,likely", help="what is compared with latest")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=1, help="rounds before them that do not count")
    parser.add_argument("--links", default=LINKS, help=f"comma-separated, {LINKS} unless said; '' for no pulls")
    parser.add_argument("--minutes", type=float, default=180, help="begin no round after that")
    parser.add_argument("--engine-socket", help="the engine's address, unix:///…; DOCKER_HOST or the usual one")
    parser.add_argument("--images-socket", help="the address of the Docker that has the images, if it is another")
    parser.add_argument("--images", default=IN_DOCKER, help="where they are, {name} and {tag} in it: %(default)s")
    parser.add_argument("--runtime", default="docker", help="docker, podman, runc or crun")
    parser.add_argument("--pull-with", default="engine", choices=["engine", "containerd"], help="what pulls")
    parser.add_argument("--no-starts", action="store_true", help="measure pulls alone")
    parser.add_argument("--label", help="names the results; the runtime unless said")
    parser.add_argument("--reports", type=Path, default=ROOT / "reports")
    parser.add_argument("--report", action="store_true", help="measure nothing, draw from what is there")
    said = parser.parse_args()
    if unknown := set(said.names) - set(NAMES):
        parser.error(f"no image {unknown.pop()}; there are {', '.join(NAMES)}")
    plan = Plan(
        access=Access(engine=said.engine_socket),
        images=Access(engine=said.images_socket or said.engine_socket, insecure="127.0.0.1" in said.images),
        runtime=said.runtime,
        tags=("latest", *said.tags.split(",")),
        rounds=said.rounds,
        warm_up=said.warm_up,
        links=tuple(parse_link(word) for word in said.links.split(",") if word),
        until=time.monotonic() + 60 * said.minutes,
        results=said.reports.absolute() / f"suite-{said.label or said.runtime}.jsonl",
        containerd=said.pull_with == "containerd",
        starts=not said.no_starts,
        place=said.images,
    )
    return said, plan


def main() -> None:
    """Measure what is missing, then tell."""
    said, plan = parse()
    os.chdir(ROOT)
    known = measured.read(plan.results)
    for name in () if said.report else said.names:
        for options in next_steps(known, name, plan):
            if not plan.over:
                carry_out(name, plan, options, known)
    if known:
        told.write_all(measured.read_with_run(plan.results), plan.results)


if __name__ == "__main__":
    main()
