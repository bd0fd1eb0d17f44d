"""Do several recordings of one workload keep the same files? One command.

    python benchmarks/recordings_agree.py [NAME…] [--engine unix:///…] [--runtime docker] [--count 10] [--depth module]
                                          [--json FILE]

NAME is one of the benchmark images (benchmarks/images), all unless given. Its probes.toml is recorded --count times,
each recording closed by itself, and every path that not all of them keep is told, with how many keep it and why.
"""

import argparse
import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slimml.engine.choose import find_engine
from slimml.inventory.cache import default_cache
from slimml.inventory.read_rows import read_rows
from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image
from slimml.probes.read import read_suite
from slimml.usage.closure.close import close
from slimml.usage.closure_result import Depth
from slimml.usage.find_recorder import find_recorder
from slimml.usage.record import record

if TYPE_CHECKING:
    from slimml.engine.container import Engine

IMAGES = Path(__file__).parent / "images"
NAMES = ("onnx-api", "sklearn-batch", "torch-api", "ocr")
SHOWN = 20


def agreement(name: str, engine: "Engine", access: Access, count: int, depth: Depth) -> dict[str, Any]:
    """What `count` recordings of an image keep, and what only some of them keep."""
    image = open_image(parse_reference(f"docker-daemon:slimml-bench/{name}:latest"), access)
    inventory = take_inventory(image, cache=default_cache())
    suite = read_suite(IMAGES / name / "probes.toml")
    recorder = find_recorder(engine)
    keeping: Counter[str] = Counter()
    used: list[int] = []
    reasons: dict[str, str] = {}
    for _ in range(count):
        recording = record(engine, image, suite, recorder, inventory=inventory)
        closure = close(inventory, [recording], depth, partial(read_rows, inventory))
        kept = {
            inventory.paths[row]: closure.reasons[closure.why[row]] for row in np.flatnonzero(closure.keep).tolist()
        }
        keeping.update(kept.keys())
        reasons |= kept
        used.append(len(recording.uses))
    some = {path: times for path, times in sorted(keeping.items()) if times < count}
    return {
        "image": name,
        "depth": depth.value,
        "recorder": recorder.seen.recorder,
        "recordings": count,
        "paths used": used,
        "kept by all": len(keeping) - len(some),
        "kept by some": {path: {"recordings": times, "why": reasons[path]} for path, times in some.items()},
    }


def main() -> int:
    """Record, close, compare; 1 where recordings disagree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--engine", help="address of the engine that holds the images")
    parser.add_argument("--runtime", default="docker")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--depth", type=Depth, default=Depth.DISTRIBUTION)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    access = Access(engine=given.engine)
    engine = find_engine(given.runtime, access)
    found = []
    for name in given.names or NAMES:
        one = agreement(name, engine, access, given.count, given.depth)
        found.append(one)
        print(f"{name}: {one['kept by all']} paths kept by all {given.count}, {len(one['kept by some'])} by some only")
        for path, told in list(one["kept by some"].items())[:SHOWN]:
            print(f"   {path}: {told['recordings']} of {given.count} ({told['why']})")
        if given.json:
            given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if any(one["kept by some"] for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
