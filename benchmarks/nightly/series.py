#!/usr/bin/env python3
"""A series of commits of a small image, whose size and start really change at known ones: are these told, and no other?

    python benchmarks/nightly/series.py [--rounds 5] [--runtime auto] [--output reports/planted-series]

Makes the repository (planted.py), an image of each commit (small_image.py; no engine, no download), measures all of
them in interleaved rounds, keeps a result for each commit as a night would, looks for changes, and holds them against
what was planted. Writes the history, charts and a summary; ends with 1 when a planted change was missed or another one
told. With --report nothing is measured: what the history holds is told again. Run it as root, or no start is cold.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import planted
from planted import Made
from series_summary import write_summary
from side_by_side import HOST, Effort, engine_here, measure_images
from small_image import SmallImages
from verdict import judge

from slimml.history import store
from slimml.history.documents import Keys, results_of
from slimml.history.result import Result
from slimml.history.trends import trends
from slimml.oci.transfer import Access
from slimml.probes.read import read_suite

HERE = Path(__file__).resolve().parent
IMAGE, SUITE = "planted", "planted-1"
_SHORT = 12


def measure_series(made: Sequence[Made], repository: Path, runtime: str, effort: Effort, work: Path) -> list[Result]:
    """A result for each commit, the first one first. Times are when the commit's first round that counts began."""
    builder = SmallImages(work)
    images = [(one.id[:_SHORT], builder.build(one.id[:_SHORT], planted.files_at(repository, one.id))) for one in made]
    access = Access()
    engine = engine_here(runtime, access)
    measured = measure_images(images, read_suite(HERE / "probes.toml"), engine, access, effort, work / "roots")
    if measured.failures:
        raise SystemExit(f"series.py: {'; '.join(measured.failures)}")
    results = []
    for one, image in zip(made, measured.images, strict=True):
        keys = Keys(commit=one.id, suite=SUITE, began=measured.began[image.position], here="", names=(IMAGE,))
        results += results_of(measured.document(image), keys)
    return results


def parse() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count")
    parser.add_argument("--warm-up", type=int, default=1, help="rounds before them that do not")
    parser.add_argument("--pull-rounds", type=int, default=3, help="rounds of pulls, whose wall time is only shown")
    parser.add_argument("--links", default="100mbit", help="pulls over these, comma-separated; '' for none")
    parser.add_argument("--warm", action="store_true", help="leave out starts from an empty page cache")
    parser.add_argument("--runtime", default="auto", help=f"auto, docker, podman, runc, crun or {HOST}")
    parser.add_argument("--output", type=Path, default=HERE.parents[1] / "reports/planted-series")
    parser.add_argument("--report", action="store_true", help="measure nothing, tell from what is there")
    return parser.parse_args()


def main() -> int:
    """Measure, keep, tell, judge."""
    said = parse()
    history = said.output / "history"
    with tempfile.TemporaryDirectory(prefix="slimml-series-", dir="/var/tmp") as temporary:
        repository = Path(temporary) / "repository"
        repository.mkdir()
        made = planted.make_repository(repository)
        if not said.report:
            links = tuple(word for word in said.links.split(",") if word)
            effort = Effort(said.rounds, said.warm_up, links, said.pull_rounds, cold=not said.warm)
            store.append(history, *measure_series(made, repository, said.runtime, effort, Path(temporary) / "work"))
    return tell(made, store.load(history, image=IMAGE, suite=SUITE), said.output)


def tell(made: Sequence[Made], results: Sequence[Result], output: Path) -> int:
    """Charts and summary of the newest run over the series; the exit code."""
    newest = list(results)[-len(made) :]
    order = [one.id for one in made]
    if [one.commit for one in newest] != order:
        print("series.py: the history does not hold the whole series; run without --report", file=sys.stderr)
        return 2
    told = trends(newest)
    verdict = judge(made, told)
    write_summary(made, newest, told, verdict, output)
    print((output / "summary.md").read_text("utf-8"))
    return 0 if verdict.right else 1


if __name__ == "__main__":
    sys.exit(main())
