#!/usr/bin/env python3
"""What a layout alone gains when an image is pulled: the original against itself in other layers, in rounds of both.

    python benchmarks/layout/run.py [IMAGE…] [--compat docker20] [--runtime docker] [--links 100mbit/each] [--rounds 5]
                                    [--minutes 60] [--place DIR] [--label docker] [--engine-socket unix:///…]

Nothing is removed: the layout is made once (slimml optimize --relayer --no-remove --compat …) and lies in DIR, an OCI
layout, until it is deleted. Every pull is appended to reports/layout-pull-LABEL.jsonl as soon as it is made; started
again, the command goes on where it was stopped, by its budget or by anybody. With --report it only tells what is there.
Run it on a quiet machine. For Podman say --runtime podman --compat podman.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "suite"))

import measured  # noqa: E402 - beside the suite

from slimml.bench.benchmark import Bench, Options, Subject, begin_run, measure  # noqa: E402
from slimml.bench.results import ImageFacts, Measure, Measurement, append_records  # noqa: E402
from slimml.bench.shaping import parse_links  # noqa: E402
from slimml.bench.summary import summarize  # noqa: E402
from slimml.engine.choose import find_engine  # noqa: E402
from slimml.errors import NotFound  # noqa: E402
from slimml.inventory.cache import default_cache  # noqa: E402
from slimml.inventory.take import take_inventory  # noqa: E402
from slimml.oci.image import Image  # noqa: E402
from slimml.oci.reference import parse_reference  # noqa: E402
from slimml.oci.transfer import Access, open_image, write_image  # noqa: E402
from slimml.report.sizes import size  # noqa: E402
from slimml.slim.layout.asked import Layout  # noqa: E402
from slimml.slim.layout.compat import Compat, Effort, encoding_for  # noqa: E402
from slimml.slim.optimize import carry_out  # noqa: E402
from slimml.slim.options import Options as Choices  # noqa: E402
from slimml.slim.planning import make_plan  # noqa: E402
from slimml.slim.workshop import work_store  # noqa: E402

IMAGE = "docker-daemon:slimml-bench/torch-api:latest"


def laid_out(image: Image, said: argparse.Namespace) -> Image:
    """The image in other layers: that of an earlier run, if it is of the same image, else made now."""
    name = str(image.reference).rpartition("/")[2].replace(":", "-")
    place = parse_reference(f"oci:{said.place}/{name}-{said.compat.value}-{said.effort.value}:latest")
    try:
        known = open_image(place)
        if known.config.labels.get("org.slimml.source.digest") == image.manifest.digest:
            return known
    except NotFound:
        pass
    options = Choices(
        only=frozenset({"relayer"}),
        encoding=encoding_for(said.compat.best, said.effort),
        accepts=said.compat.accepts,
        layout=Layout(),
    )
    inventory = take_inventory(image, cache=default_cache())
    with work_store() as store:
        write_image(carry_out(inventory, make_plan(inventory, [], options), store).image, place)
    return open_image(place)


def done_rounds(known: list[Measurement], subjects: list[Subject], link: str) -> int:
    """Rounds in which each of the two was pulled over the link."""
    rounds: dict[int, set[str]] = {}
    for one in known:
        if one.measure is Measure.PULL and one.link == link and not one.warm_up and one.failure is None:
            rounds.setdefault(one.round, set()).add(one.image.reference)
    names = {one.facts.reference for one in subjects}
    return sum(names <= there for there in rounds.values())


def pull(words: str, said: argparse.Namespace, known: list[Measurement], until: float) -> None:
    """Measure an image until all rounds are there or the time is over, then to the end of the round."""
    access = Access(engine=said.engine_socket)
    image = open_image(parse_reference(words), access)
    pair = (image, laid_out(image, said))
    subjects = [
        Subject(ImageFacts(f"{words}{mark}", one.manifest.digest, at), take_inventory(one, cache=default_cache()))
        for at, (one, mark) in enumerate(zip(pair, ("", f" ({said.compat.value} layout)"), strict=True))
    ]
    for link in parse_links(said.links):
        first = done_rounds(known, subjects, link.name)
        if first >= said.rounds or time.monotonic() >= until:
            continue
        options = Options(frozenset({Measure.PULL}), said.rounds - first, said.warm_up, (link,))
        bench = Bench(find_engine(said.runtime, access), access, None, options)
        run, in_round = begin_run(None), 0
        for one in measure(subjects, bench):
            counted = one if one.warm_up else replace(one, round=one.round + first)
            append_records(said.results, run, [counted])
            known.append(counted)
            print(measured.line(counted), file=sys.stderr, flush=True)
            in_round += not one.warm_up
            if time.monotonic() >= until and in_round % len(subjects) == 0:
                print("the time is over; start again to go on", file=sys.stderr)
                return


def tell(known: list[Measurement]) -> None:
    """A line for each image and link: seconds, the ratio of the pairs with its interval, bytes."""
    names = dict.fromkeys(one.image.reference.partition(" (")[0] for one in known)
    for name in names:
        own = [one for one in known if one.image.reference.partition(" (")[0] == name]
        for setting in summarize(own).settings:
            for figures in setting.images:
                if figures.seconds is None:
                    continue
                ratio = figures.ratio
                times = f", {1 / ratio.value:.2f}x ({1 / ratio.high:.2f} to {1 / ratio.low:.2f})" if ratio else ""
                stored = size(int(figures.counters.get("blob_bytes", 0)))
                print(f"{figures.image.reference} over {setting.link}: {figures.seconds.value:.2f} s{times}, {stored}")


def main() -> None:
    """Measure what is missing, then tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("images", nargs="*", default=[IMAGE], metavar="IMAGE")
    parser.add_argument("--compat", type=Compat, default=Compat.DOCKER20, help=", ".join(Compat))
    parser.add_argument("--effort", type=Effort, default=Effort.DEFAULT, help=", ".join(Effort))
    parser.add_argument("--runtime", default="docker", help="docker or podman")
    parser.add_argument("--links", default="100mbit/each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60, help="begin no round after that")
    parser.add_argument("--place", type=Path, default=Path(tempfile.gettempdir()) / "slimml-layouts")
    parser.add_argument("--label", help="names the results; the runtime unless said")
    parser.add_argument("--engine-socket")
    parser.add_argument("--reports", type=Path, default=ROOT / "reports")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    said = parser.parse_args()
    said.place = said.place.absolute()
    said.results = said.reports.absolute() / f"layout-pull-{said.label or said.runtime}.jsonl"
    until = time.monotonic() + 60 * said.minutes
    known = measured.read(said.results)
    for words in () if said.report else said.images:
        pull(words, said, known, until)
    tell(known)


if __name__ == "__main__":
    main()
