"""What recording costs a start, and whether a recording misses a file that strace sees opened. One command.

    python benchmarks/recorders.py [NAME…] [--engine unix:///…] [--runtime runc] [--recorders fanotify,notify]
                                   [--rounds N] [--json FILE]

NAME is one of the benchmark images (benchmarks/images), all unless given; --engine is the Docker that holds them.
Starts without and with each recorder take turns, A B C, C B A; a start is from asking the runtime to start the
container until the service is ready, or until a batch has ended. The bars: the median of the pairs' ratios at most 5 %
above one for fanotify, 40 % for notify. Then all probes are asked once more per recorder with strace -f -y around the
runtime: no file that strace sees opened in the container may be missing from the recording. That takes root, a bare
runtime and strace.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from slimml.bench.first_answer import choose_question
from slimml.bench.rounds import interleaved
from slimml.bench.start import measure_start
from slimml.bench.statistics import median, paired_ratio
from slimml.engine.bare.engine import BareEngine
from slimml.engine.bare.onlooker import NOBODY, Onlooker
from slimml.engine.choose import find_engine
from slimml.engine.container import Engine, Prepared
from slimml.inventory.take import take_inventory
from slimml.oci.image import Image
from slimml.oci.locate import locate
from slimml.oci.transfer import Access, open_image
from slimml.probes.probe import Suite
from slimml.probes.read import read_suite
from slimml.usage.find_recorder import find_recorder
from slimml.usage.record import record
from slimml.usage.recorders.strace_lines import Lines
from slimml.usage.recorders.strace_processes import Processes
from slimml.usage.recording import Operation
from slimml.usage.watched_engine import WatchedEngine

IMAGES = Path(__file__).parent / "images"
BARS = {"fanotify": 1.05, "notify": 1.40}
ALONE = "none"
MOUNTED = re.compile("(dev|proc|sys|etc/(hosts|hostname|resolv.conf))(/|$)")
"""places of the root over which the runtime mounts its own: what is opened there is not the image's"""
CALLS = "open,openat,openat2,creat,execve,clone,clone3,fork,vfork"
OPENED = re.compile(r"^\d+ .* = \d+<(/[^>]*)>$")
USED = Operation.OPEN | Operation.EXEC | Operation.LIST | Operation.WRITE


class StracedEngine(BareEngine):
    """A bare engine around whose commands strace writes what is opened, into files of `place`."""

    def __init__(self, name: str, place: Path) -> None:
        super().__init__(name)
        self._traces = place
        self.count = 0

    def create(self, prepared, spec, onlooker=NOBODY):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        return super().create(prepared, spec, Onlooker(self._before, onlooker.seccomp))

    def _before(self) -> Sequence[str]:
        self.count += 1
        options = ("-D", "-f", "-y", "--decode-pids=pidns", "-qqq", "-e", "signal=none", "-e", f"trace={CALLS}")
        return ("strace", *options, "-o", str(self._traces / str(self.count)), "--")

    def opened(self) -> set[str]:
        """Paths that strace saw opened by the container's processes."""
        found = set()
        for path in self._traces.iterdir():
            lines, processes = Lines(), Processes()
            for line in path.read_bytes().decode("ascii", "replace").splitlines():
                traced, match = lines.read(line), OPENED.match(line)
                inside = traced is not None and processes.after(traced).inside
                if inside and match:
                    text = match[1].removesuffix("(deleted)").encode().decode("unicode_escape").encode("latin-1")
                    found.add(text.decode("utf-8", "surrogateescape").strip("/"))
        return found


def ready_seconds(engine: Engine, prepared: Prepared, suite: Suite) -> float:
    """From asking to start the container until it is ready, or has ended."""
    found = measure_start(engine, prepared, suite, cold=False, question=choose_question(suite))
    assert found.failure is None, found.failure
    return sum(seconds for phase, seconds in found.phases.items() if phase not in ("create", "first answer"))


def starts(engine: Engine, image: Image, suite: Suite, recorders: list[str], rounds: int) -> dict[str, list[float]]:
    """Seconds by recorder, one for each round."""
    watching = {name: find_recorder(engine, name) for name in recorders}
    found: dict[str, list[float]] = {name: [] for name in (ALONE, *recorders)}
    with engine.prepare(image) as prepared:
        for turn in interleaved(list(found), rounds):
            name = turn.subject
            running: Engine = engine if name == ALONE else WatchedEngine(engine, watching[name])
            seconds = ready_seconds(running, prepared, suite)
            told = "warm-up" if turn.warm_up else f"round {turn.round}"
            print(f"{image.reference}, {told}, {name}: {seconds:.3f} s", file=sys.stderr)
            if not turn.warm_up:
                found[name].append(seconds)
    return found


def missed(runtime: str, image: Image, suite: Suite, recorder: str) -> tuple[int, list[str]]:
    """How many files of the image strace saw opened, and those that the recording has not."""
    inventory = take_inventory(image)
    with tempfile.TemporaryDirectory() as place:
        engine = StracedEngine(runtime, Path(place))
        recording = record(engine, image, suite, find_recorder(engine, recorder), inventory=inventory)
        opened = {path for path in engine.opened() if not MOUNTED.match(path)}
        truth = {path for path in opened if path in inventory.live}
    assert recording.complete, recording.lost
    seen = {use.path for use in recording.uses if use.operations & USED}
    return len(truth), sorted(truth - seen)


def judged(
    name: str, seconds: dict[str, list[float]], completeness: Callable[[str], tuple[int, list[str]]] | None
) -> Iterator[dict[str, object]]:
    """A row for each recorder."""
    for recorder, values in seconds.items():
        row: dict[str, object] = {"image": name, "recorder": recorder, "seconds": asdict(median(values))}
        if recorder != ALONE:
            row["ratio"] = asdict(paired_ratio(seconds[ALONE], values))
            if completeness is not None:
                row["opened"], row["missed"] = completeness(recorder)
        yield row


def told(estimate: dict[str, float]) -> str:
    """A median and its interval."""
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}–{estimate['high']:.3f}]"


def show(row: dict[str, object]) -> bool:
    """Print a row; whether it is within its bars."""
    seconds, ratio = row["seconds"], row.get("ratio")
    assert isinstance(seconds, dict)
    text = (
        f"{row['image']:15} {row['recorder']:9} {seconds['value']:.3f} s [{seconds['low']:.3f}–{seconds['high']:.3f}]"
    )
    within = True
    if isinstance(ratio, dict):
        bar = BARS.get(str(row["recorder"]))
        within = bar is None or ratio["value"] <= bar
        text += f"  ×{told(ratio)}"
        text += "" if bar is None else f"  bar ×{bar:.2f}: {'met' if within else 'NOT MET'}"
    if "missed" in row:
        assert isinstance(row["missed"], list)
        within &= not row["missed"]
        text += f"  {row['opened']} opened, {len(row['missed'])} missed {' '.join(row['missed'][:5])}"
    print(text)
    return within


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--engine")
    parser.add_argument("--runtime", default="runc", choices=["docker", "podman", "runc", "crun"])
    parser.add_argument("--recorders", default="fanotify,notify")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--no-strace", action="store_true", help="leave out whether files are missed")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    access = Access(engine=words.engine)
    rows = []
    for name in words.names or sorted(path.parent.name for path in IMAGES.glob("*/probes.toml")):
        image = open_image(locate(f"docker-daemon:slimml-bench/{name}:latest"), access)
        suite = replace(read_suite(IMAGES / name / "probes.toml"), network=False)
        seconds = starts(find_engine(words.runtime, access), image, suite, words.recorders.split(","), words.rounds)
        bare = words.runtime in ("runc", "crun") and not words.no_strace
        completeness = (lambda recorder: missed(words.runtime, image, suite, recorder)) if bare else None  # noqa: B023
        rows += list(judged(name, seconds, completeness))
    if words.json is not None:
        words.json.write_text(json.dumps(rows, indent=2) + "\n")
    within = [show(row) for row in rows]
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())
