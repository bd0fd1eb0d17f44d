#!/usr/bin/env python3
"""Mend, build, prove and measure Dockerfiles: run.py [NAME…] > table.md

Four recipes are those of benchmarks/images, whose images (slimml-bench/NAME:latest, by its build.py) are the originals;
two are here: a CUDA devel image on stand-in bases (cuda-devel/base.sh makes them) and a worker with an environment of
its own. Needs docker and git. The package index is this machine's, as in benchmarks/images/build.py.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parent / "images"
sys.path.insert(0, str(IMAGES))
import build  # noqa: E402

OWN = ("cuda-devel", "venv-worker")


def measured(name: str, level: str, tag: str, options: list[str]) -> dict[str, object]:
    """What `slimml dockerfile build` says of one recipe."""
    build.HERE = HERE if name in OWN else IMAGES
    with tempfile.TemporaryDirectory(prefix="slimml-bench-") as temporary:
        context = Path(temporary) / name
        build.make_context(name, context)
        command = [sys.executable, "-m", "slimml", "dockerfile", "build", context / "Dockerfile", context]
        command += ["--bases", HERE / "bases.toml", "--probes", context / "probes.toml", "--runtime", "docker"]
        command += ["--network", "host", "--level", level, "--json", *options]
        if name not in OWN:
            command += ["--original", f"slimml-bench/{name}:{tag}"]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ended.stdout)


def row(name: str, found: dict[str, object]) -> str:
    """One line of the table."""
    before, after = int(found["before_bytes"]), int(found["after_bytes"])
    dropped = ", ".join(one["rule"] for one in found["dropped"]) or "none"
    probes = len(found["verified"])
    return (
        f"| {name} | {before / 1e6:,.1f} MB | {after / 1e6:,.1f} MB | {100 * (before - after) / before:.1f} % "
        f"| {found['before_layers']} to {found['after_layers']} | {probes} of {probes} the same | {dropped} |"
    )


def main() -> int:
    """Print the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [*build.recipes(), *OWN]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names)}; all unless given")
    parser.add_argument("--level", default="likely", help="safe, likely or all (default: %(default)s)")
    parser.add_argument("--engine-socket", help="the engine's address, unix:///…; DOCKER_HOST or the usual one")
    parser.add_argument("--original-tag", default="latest", help="of the originals (default: %(default)s)")
    chosen = parser.parse_args()
    if chosen.engine_socket:
        os.environ["DOCKER_HOST"] = chosen.engine_socket
    if "cuda-devel" in (chosen.names or names):
        subprocess.run(["bash", HERE / "cuda-devel" / "base.sh"], check=True)
    print("| recipe | before | after | smaller by | layers | probes | rules dropped |")
    print("|---|---:|---:|---:|---|---|---|", flush=True)
    with build.pip_arguments() as options:
        for name in chosen.names or names:
            print(row(name, measured(name, chosen.level, chosen.original_tag, options)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
