#!/usr/bin/env python3
"""Whether every engine gives the benchmark images the same verdicts: engines_agree.py --images unix:///…

Holds each image against its slim one with Docker, Podman and runc, one engine after the other, and prints a line of
JSON for each, then a table. Ends with 1 when two engines do not agree about a probe. The images are read from the
engine at --images, which is also the Docker that runs them; Podman is asked at --podman.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from slimml.engine.choose import find_engine
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image
from slimml.probes.read import read_suite
from slimml.verify.verify import verify_images

RECIPES = Path(__file__).parent / "images"
ENGINES = ("docker", "podman", "runc")


def verdicts(recipe: str, name: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """What one engine says of one recipe's images."""
    images = Access(engine=chosen.images)
    access = {"docker": images, "podman": Access(engine=chosen.podman)}.get(name, Access())
    original, slim = (
        open_image(parse_reference(f"docker-daemon:slimml-bench/{recipe}:{tag}"), images)
        for tag in ("latest", chosen.tag)
    )
    engine = find_engine(name, access)
    begun = time.monotonic()
    found = verify_images(engine, original, slim, read_suite(RECIPES / recipe / "probes.toml"))
    return {
        "recipe": recipe,
        "engine": name,
        "version": found.engine.version,
        "verdict": found.verdict.value,
        "probes": {row.probe: row.verdict.value for row in found.rows},
        "differences": {row.probe: [one.part for one in row.differences] for row in found.rows if row.differences},
        "ignored": {row.probe: row.ignored for row in found.rows if row.ignored},
        "seconds": round(time.monotonic() - begun, 1),
    }


def main() -> int:
    """Ask all engines of all images; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", required=True, help="the Docker that holds the images, unix:///…")
    parser.add_argument("--podman", help="Podman's socket, unix:///…; the usual one")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="only this one; repeatable")
    parser.add_argument("--recipe", action="append", help="only this one; repeatable")
    parser.add_argument("--tag", default="likely", help="which slim image: safe, likely")
    chosen = parser.parse_args()
    recipes = chosen.recipe or sorted(path.parent.name for path in RECIPES.glob("*/probes.toml"))
    engines = chosen.engine or ENGINES
    disagree = []
    rows = []
    for recipe in recipes:
        found = [verdicts(recipe, name, chosen) for name in engines]
        for one in found:
            print(json.dumps(one), flush=True)
        rows.append((recipe, *(f"{one['verdict']} in {one['seconds']:.0f} s" for one in found)))
        if any(one["probes"] != found[0]["probes"] for one in found):
            disagree.append(recipe)
    for row in (("image", *engines), *rows):
        print("  ".join(f"{cell:<18}" for cell in row).rstrip())
    print(f"do not agree: {', '.join(disagree)}" if disagree else "all engines agree about every probe")
    return 1 if disagree else 0


if __name__ == "__main__":
    sys.exit(main())
