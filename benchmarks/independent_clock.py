"""slimml bench against clocks outside of it, on the same image, interleaved. One command.

    python benchmarks/independent_clock.py IMAGE [--engine unix:///…] [--rounds N] [--link LINK] [--json FILE]

IMAGE is the name of an image in a Docker engine. Pulls: what slimml's own rounds time, and bash's `time docker pull`
of a copy of the same image from the same registry, each cold, A B B A. The bar: the median of the pairs' ratios within
5 %. Other clocks join as functions that give pairs of seconds.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from answer_clock import OURS, OUTSIDE, answer_pairs

from slimml.bench.benchmark import begin_run
from slimml.bench.page_cache import make_cold
from slimml.bench.publish import publish
from slimml.bench.pull import Pulls, measure_pull, ready_to_pull
from slimml.bench.pullers import puller_of
from slimml.bench.registry import own_registry
from slimml.bench.results import ImageFacts
from slimml.bench.rounds import Turn, interleaved
from slimml.bench.salted import Saltable, saltable, salted, salts
from slimml.bench.shaping import Link, parse_link
from slimml.bench.statistics import median, paired_ratio
from slimml.engine.choose import find_engine
from slimml.oci.locate import locate
from slimml.oci.transfer import Access, open_image
from slimml.slim.workshop import work_store

BAR = 0.05


def timed_outside(command: list[str], environment: dict[str, str]) -> float:
    """Wall seconds of a command, by bash's own clock; raises CalledProcessError."""
    said = subprocess.run(
        ["bash", "-c", 'TIMEFORMAT=%3R; time "$@" >/dev/null', "bash", *command],
        check=True,
        capture_output=True,
        text=True,
        env=environment | {"LC_ALL": "C"},
    )
    return float(re.findall(r"^[\d.]+$", said.stderr, re.MULTILINE)[-1])


def docker_pull(pulls: Pulls, whole: Saltable, blocks: int, link: Link, engine: str) -> float:
    """The same pull as slimml times, asked for and timed by others."""
    copy = salted(whole, blocks)
    shaper = None if link.direct else pulls.shapers[link.name]
    here = pulls.registry.name(pulls.repository, str(blocks))
    there = pulls.registry.name(pulls.repository, str(blocks), shaper.address if shaper else None)
    digests = [layer.descriptor.digest for layer in copy.layers]
    environment = os.environ | {"DOCKER_HOST": engine}
    publish(copy, here, pulls.access)
    make_cold()
    pulls.registry.warm(digests)
    try:
        seconds = timed_outside(["docker", "pull", "--quiet", there.familiar], environment)
        listed = ["docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", there.familiar]
        found = subprocess.run(listed, check=True, capture_output=True, text=True, env=environment).stdout
        assert json.loads(found) == list(copy.config.diff_ids), "docker has other layers than were pushed"
    finally:
        subprocess.run(["docker", "rmi", there.familiar], check=False, capture_output=True, env=environment)
        pulls.registry.forget(digests)
    return seconds


def pull_pairs(image: str, engine: str, link: Link, rounds: int) -> Iterator[tuple[str, int, float]]:
    """Who timed, the round, the seconds."""
    access = Access(engine=engine)
    opened = open_image(locate(f"docker-daemon:{image}"), access)
    facts = ImageFacts(image, opened.manifest.digest)
    with ExitStack() as running:
        work = running.enter_context(work_store())
        whole = saltable(opened, work)
        puller = puller_of(find_engine("docker", access), Path(work.path) / "pulled", access)
        registry = running.enter_context(own_registry(work))
        pulls = running.enter_context(ready_to_pull(puller, registry, [link], access))
        blocks = salts()
        for turn in interleaved([OURS, OUTSIDE], rounds, warm_up=1):
            if turn.subject == OURS:
                timed = Turn(facts, turn.round, warm_up=False)
                seconds = measure_pull(pulls, whole, next(blocks), link, timed).seconds
            else:
                seconds = docker_pull(pulls, whole, next(blocks), link, engine)
            told = "warm-up" if turn.warm_up else f"round {turn.round}"
            print(f"pull over {link.name}, {told}, {turn.subject}: {seconds:.3f} s", file=sys.stderr)
            if not turn.warm_up:
                yield turn.subject, turn.round, seconds


def compared(pairs: Iterator[tuple[str, int, float]]) -> dict[str, object]:
    """Medians of both clocks, the ratio of ours to the other's by pairs, and whether it is within the bar."""
    seconds: dict[str, dict[int, float]] = {OURS: {}, OUTSIDE: {}}
    for who, number, took in pairs:
        seconds[who][number] = took
    ours = [seconds[OURS][number] for number in sorted(seconds[OURS])]
    outside = [seconds[OUTSIDE][number] for number in sorted(seconds[OURS])]
    ratio = paired_ratio(outside, ours)
    return {
        "rounds": len(ours),
        "slimml, median seconds": round(median(ours).value, 3),
        "outside, median seconds": round(median(outside).value, 3),
        "ratio": round(ratio.value, 4),
        "interval of the ratio": [round(ratio.low, 4), round(ratio.high, 4)],
        "within the bar": abs(ratio.value - 1) <= BAR,
        "seconds": {OURS: [round(one, 3) for one in ours], OUTSIDE: [round(one, 3) for one in outside]},
    }


def main() -> None:
    """Parse, measure, print; ends with 1 when a clock is past the bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image")
    parser.add_argument("--engine", default=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--link", type=parse_link, default=parse_link("loopback"))
    parser.add_argument("--probes", type=Path, help="with a request; without it only pulls are timed")
    parser.add_argument("--only", choices=("pull", "answer"))
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    host = begin_run(None).host
    result: dict[str, object] = {"image": said.image, "host": f"{host.cpu}, {host.cores} processors, {host.kernel}"}
    clocks = {}
    if said.only != "answer":
        pairs = pull_pairs(said.image, said.engine, said.link, said.rounds)
        clocks[f"docker pull over {said.link.name}"] = compared(pairs)
    for cold in (False, True) if said.probes and said.only != "pull" else ():
        pairs = answer_pairs(said.image, said.engine, said.probes, said.rounds, cold=cold)
        clocks[f"curl until the first answer, {'cold' if cold else 'warm'}"] = compared(pairs)
    result["clocks"] = clocks
    print(json.dumps(result, indent=1))
    if said.json:
        said.json.write_text(json.dumps(result, indent=1) + "\n")
    if not all(clock["within the bar"] for clock in clocks.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
