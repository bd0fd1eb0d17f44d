#!/usr/bin/env python3
"""The benchmark images slimmed by recordings at each depth, then asked what no recording saw. One command.

    python benchmarks/untraced/run.py [NAME…] [--depths distribution,module,strict] [--work DIR] [--report FILE]

The images have to be there as slimml-bench/NAME:latest (benchmarks/images/build.py). For each of them its probes.toml
is recorded once, and the image optimized by the recording and verified by the same probes at each depth. Then original
and results are asked the lists of this directory (everywhere.toml and NAME.toml). An answer is equal, or the result
fails loudly (an exit code, a status of the server, no answer), or it is wrong in silence. Where syft is installed it
lists the packages of each result, which have to be those that slimml's own inventory finds there.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bloat.detect import find_bloat
from slimml.engine.choose import find_engine
from slimml.errors import SlimmlError
from slimml.inventory.cache import default_cache
from slimml.inventory.owner import System
from slimml.inventory.read_rows import read_rows
from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image, write_image
from slimml.probes.probe import CommandProbe, Suite
from slimml.probes.read import read_suite
from slimml.slim.deliver import deliver
from slimml.slim.mending.prove import learn, slim_proven
from slimml.slim.options import Level, Options
from slimml.slim.planning import make_plan
from slimml.slim.unused import findings_by_use, used_rows
from slimml.slim.workshop import work_store
from slimml.usage.closure.close import close
from slimml.usage.closure_result import Depth
from slimml.usage.find_recorder import find_recorder
from slimml.usage.record import record
from slimml.usage.recording_file import load_recording, save_recording
from slimml.verify.verification import Verdict
from slimml.verify.verify import check_against, learn_baseline, reconsider

if TYPE_CHECKING:
    from slimml.engine.container import Engine
    from slimml.inventory.table import Inventory
    from slimml.usage.recording import Recording
    from slimml.verify.verification import Baseline, Row

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parent / "images"
NAMES = ("onnx-api", "sklearn-batch", "torch-api", "ocr")
CARRIED = re.compile(r".*/_vendor/(?P<name>[^/-]+)-(?P<version>[^/]+)\.dist-info/METADATA")
SYSTEMS = {"deb": System.DPKG, "python": System.PYTHON}


@dataclass(frozen=True)
class Told:
    """One image at one depth. Shares are of the original; seconds are those of everything but the untraced list.

    `compressed_share` is estimated from the layers' parts, as the plan has it. `kept` counts what mending put back.
    `loud` and `silent` are names of untraced probes that were not answered alike; `packages_differ` is what syft and
    slimml disagree about, None where syft was not asked.
    """

    image: str
    depth: str
    seconds: float
    disk_share: float
    compressed_share: float
    kept: int
    asked: int
    equal: int
    loud: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    packages: int | None = None
    packages_differ: tuple[str, ...] | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Work:
    """One image under way: what it is, what runs it, what was recorded of it."""

    name: str
    inventory: "Inventory"
    engine: "Engine"
    access: Access
    suite: Suite
    place: Path


def untraced(name: str) -> Suite:
    """The image's own list and the one for all, which runs beside the service where there is one."""
    own = read_suite(HERE / f"{name}.toml")
    everywhere = read_suite(HERE / "everywhere.toml").probes
    alone = own.ready is None
    more = [replace(probe, alone=alone) for probe in everywhere if isinstance(probe, CommandProbe)]
    return replace(own, probes=(*own.probes, *more))


def recording_of(work: Work) -> "tuple[Recording, float]":
    """The recording of the image's probes, made once and kept in the work directory, and what it took in seconds."""
    file = work.place / f"{work.name}.recording"
    if file.exists():
        found = load_recording(file)
        if found.diff_ids == tuple(layer.diff_id for layer in work.inventory.image.layers):
            return found, 0.0
    begun = time.monotonic()
    recorder = find_recorder(work.engine)
    made = record(work.engine, work.inventory.image, work.suite, recorder, inventory=work.inventory)
    save_recording(made, file)
    return made, time.monotonic() - begun


def slimmed_at(work: Work, depth: Depth, recording: "Recording", before: float, baseline: "Baseline") -> Told:
    """Optimize at this depth, verify, write a layout, and ask the untraced list; `before` are the seconds until now."""
    begun = time.monotonic()
    inventory = work.inventory
    closure = close(inventory, [recording], depth, partial(read_rows, inventory))
    findings = findings_by_use(inventory, find_bloat(inventory), closure, used_rows(inventory, [recording]))
    plan = make_plan(inventory, findings, Options(level=Level.SAFE, depth=depth))
    layout = work.place / f"{work.name}-{depth.value}"
    shutil.rmtree(layout, ignore_errors=True)
    reference = parse_reference(f"oci:{layout}:slim")
    with work_store() as store:
        proving = learn(work.engine, inventory, work.suite)
        slimmed, proof = slim_proven(
            inventory, findings, plan, proving, store, remark=partial(print, "   ", flush=True)
        )
        deliver(slimmed, reference, work.access)
    told = Told(
        image=work.name,
        depth=depth.value,
        seconds=round(before + time.monotonic() - begun, 1),
        disk_share=slimmed.after.disk / slimmed.before.disk,
        compressed_share=1 - slimmed.plan.compressed_bytes / inventory.compressed_bytes,
        kept=len(proof.kept),
        asked=0,
        equal=0,
    )
    image = open_image(reference, work.access)
    verification = check_against(work.engine, baseline, image)
    _, verification = reconsider(work.engine, inventory.image, baseline, verification)
    told = judged(told, verification.rows)
    if program := syft():
        found = take_inventory(image)
        alone = layout.with_name(f"{layout.name}-alone")
        shutil.rmtree(alone, ignore_errors=True)
        write_image(image, parse_reference(f"oci:{alone}:slim"), work.access)
        told = replace(told, packages=len(packages_of_slimml(found)), packages_differ=differing(found, alone, program))
        shutil.rmtree(alone)
    return told


def judged(told: Told, rows: "tuple[Row, ...]") -> Told:
    """With what became of each probe: equal, loud, silent, or not to be told since the original itself failed it."""
    named: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
    for row in rows:
        named[row.verdict].append(row.probe)
    return replace(
        told,
        asked=len(rows) - len(named[Verdict.UNPROVEN]),
        equal=len(named[Verdict.SAME]),
        loud=tuple(named[Verdict.BROKEN]),
        silent=tuple(named[Verdict.DIFFERENT]),
        unproven=tuple(named[Verdict.UNPROVEN]),
    )


def plain(kind: str, name: str) -> str:
    """A package's name as it is compared: of Python's as PyPI takes them (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower() if kind == "python" else name


def packages_of_slimml(inventory: "Inventory") -> Counter[tuple[str, str, str]]:
    """Kind, name and version of what the inventory finds, and of what setuptools and pip carry inside: that is theirs
    to slimml, and packages to syft.
    """
    kinds = {system: kind for kind, system in SYSTEMS.items()}
    found = Counter(
        (kinds[owner.system], plain(kinds[owner.system], owner.name.partition(":")[0]), owner.version)
        for owner in inventory.owners
        if owner.system in kinds
    )
    for path in inventory.live:
        if inside := CARRIED.fullmatch(path):
            found["python", plain("python", inside["name"]), inside["version"]] += 1
    return found


def syft() -> str | None:
    """The program, beside this Python or on the path."""
    return shutil.which("syft", path=str(Path(sys.executable).parent)) or shutil.which("syft")


def differing(inventory: "Inventory", layout: Path, program: str) -> tuple[str, ...]:
    """What syft lists and slimml does not, and the other way round; each package once. The layout holds the image only:
    syft takes none that has a ledger as well.
    """
    ended = subprocess.run([program, "scan", f"oci-dir:{layout}", "-o", "json", "-q"], capture_output=True, check=False)
    if ended.returncode:
        raise SlimmlError(f"syft could not list {layout}: {ended.stderr.decode(errors='replace').strip()[-300:]}")
    listed = {
        (item["type"], plain(item["type"], item["name"]), item["version"])
        for item in json.loads(ended.stdout)["artifacts"]
        if item["type"] in SYSTEMS
    }
    own = set(packages_of_slimml(inventory))
    return tuple(
        f"{' '.join(one)} only by {who}"
        for who, ones in (("syft", listed - own), ("slimml", own - listed))
        for one in sorted(ones)
    )


def table(rows: list[Told]) -> str:
    """The results as Markdown."""
    lines = [
        "| image | depth | disk | compressed | kept | equal | loud | silent | syft | seconds |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|---:|",
    ]
    for row in rows:
        if row.failure:
            lines.append(f"| {row.image} | {row.depth} | {row.failure} |")
            continue
        syft = "not asked"
        if row.packages_differ is not None:
            syft = f"{len(row.packages_differ)} differ" if row.packages_differ else f"all {row.packages}"
        lines.append(
            f"| {row.image} | {row.depth} | {row.disk_share:.0%} | {row.compressed_share:.0%} | {row.kept} "
            f"| {row.equal} of {row.asked} | {len(row.loud)} | {len(row.silent)} | {syft} | {row.seconds} |"
        )
    for row in rows:
        for kind in ("loud", "silent", "unproven"):
            if names := getattr(row, kind):
                lines.append(f"\n{row.image} at {row.depth}, {kind}: {'; '.join(names)}")
    return "\n".join(lines)


def measure(name: str, depths: list[Depth], engine: "Engine", access: Access, place: Path) -> list[Told]:
    """One image at all depths; a depth that cannot be slimmed is told and does not stop the others."""
    print(f"{name} …", flush=True)
    begun = time.monotonic()
    image = open_image(parse_reference(f"docker-daemon:slimml-bench/{name}:latest"), access)
    inventory = take_inventory(image, cache=default_cache())
    work = Work(name, inventory, engine, access, read_suite(IMAGES / name / "probes.toml"), place)
    reading = time.monotonic() - begun
    recording, recorded = recording_of(work)
    print(f"   {len(recording.uses)} paths used; the untraced list is asked of the original", flush=True)
    baseline = learn_baseline(engine, image, untraced(name))
    found = []
    for depth in depths:
        print(f"   {depth.value} …", flush=True)
        try:
            found.append(slimmed_at(work, depth, recording, reading + recorded, baseline))
        except SlimmlError as error:
            found.append(Told(name, depth.value, 0, 1, 1, 0, 0, 0, failure=str(error)))
    return found


def main() -> int:
    """Measure what the command line names; 1 where something is wrong in silence at the default depth."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--depths", default=",".join(Depth))
    parser.add_argument("--work", type=Path, default=Path("build/untraced"), help="recordings and results")
    parser.add_argument("--report", type=Path, help="where to write the table and, beside it, its numbers as JSON")
    parser.add_argument("--engine", help="address of the engine's API")
    parser.add_argument("--runtime", default="docker")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    access = Access(engine=given.engine)
    engine = find_engine(given.runtime, access)
    depths = [Depth(word) for word in given.depths.split(",")]
    rows: list[Told] = []
    for name in given.names or NAMES:
        rows += measure(name, depths, engine, access, given.work)
        print(table(rows), flush=True)
        if given.report:
            given.report.write_text(table(rows) + "\n", "utf-8")
            given.report.with_suffix(".json").write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 1 if any(row.silent or row.failure for row in rows if row.depth == Depth.DISTRIBUTION) else 0


if __name__ == "__main__":
    sys.exit(main())
