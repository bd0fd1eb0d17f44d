"""The models of seven wheels inside of images, made smaller as `slimml optimize --only models` does. One command.

    python benchmarks/models/images.py --base OCI_LAYOUT [NAME…] [--tiers TIER…] [--runtime crun] [--work DIR]
    python benchmarks/models/images.py --page

An image is a base with Python 3.11 (OCI_LAYOUT holds it alone: slimml copy docker-daemon:slimml-bench/python:3.11
oci:DIR), the packages that the check needs, the wheel, and an application that opens the model and prints its metric.
Its probe is that command, and a metric may differ by 1 %. Nothing else of the image is touched, and layers are stored
alike (--compression zstd:3), so that original and result differ in models alone; of a model that its probe wants back
the tiers below are tried, then it stays as it was, as always. Wheels and packages are fetched
by pip into DIR once. Needs slimml[onnx], and pillow, matplotlib and torch (CPU) for what is asked. Each image's rows
go to models-images.json as soon as they are there; the page is a section of models.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import layered
from applications import Application, applications
from image_tables import FILE, write_section

from slimml.engine.choose import find_engine
from slimml.errors import Refused, SlimmlError
from slimml.inventory.cache import default_cache
from slimml.inventory.kept_files import shrunk_directory
from slimml.inventory.read_rows import read_rows
from slimml.inventory.table import Inventory
from slimml.inventory.take import take_inventory
from slimml.oci.codec import parse_encoding
from slimml.oci.image import Image
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image
from slimml.probes.read import read_suite
from slimml.slim.mending.prove import Proving, learn, slim_proven
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.replacing.choose import Wanted, choose_shrinkers
from slimml.slim.replacing.gentler import GentlerModels
from slimml.slim.replacing.remembered import Remembered
from slimml.slim.replacing.replace import make_offers
from slimml.slim.workshop import work_store

TIERS = ("lossless", "compact", "quantize")
COMMAND = ("python3", "/app/check.py")
PROBES = f"""[[command]]
name = "what the models are worth"
run = {json.dumps(COMMAND)}
tolerance = 0.01
environment = {{ PYTHONDONTWRITEBYTECODE = "1" }}
"""


def main() -> None:
    """Make the images that are named, shrink their models, and write the reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--base", type=Path)
    parser.add_argument("--page", action="store_true", help="only write the page again")
    parser.add_argument("--tiers", nargs="+", default=TIERS, choices=TIERS)
    parser.add_argument("--runtime", default="crun")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "slimml-models")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parents[2] / "reports")
    given = parser.parse_args()
    given.work.mkdir(exist_ok=True)
    known = applications()
    if wrong := set(given.names) - set(known):
        parser.error(f"no such image: {', '.join(sorted(wrong))}; there are {', '.join(known)}")
    if not given.page and given.base is None:
        parser.error("--base is needed")
    for name in [] if given.page else given.names or known:
        with tempfile.TemporaryDirectory(dir=given.work) as place:
            application = known[name](given.work)
            image = assembled(application, given.base, Path(place), given.work)
            add(given.reports / FILE, measured(application, image, Path(place), given))
        print(f"{name} is done", flush=True)
    write_section(given.reports)


def assembled(application: Application, base: Path, layout: Path, work: Path) -> Image:
    """The image, in `layout`."""
    layers = layered.base_layers(base, layout)
    for package in application.runtime:
        files = layered.tree(_installed(package, work), layered.SITE)
        layers.append(layered.add_layer(layout, files, f"pip install {package}"))
    layers.append(layered.add_layer(layout, application.files, application.name))
    layered.write_image(layout, application.name, layers, COMMAND)
    return open_image(parse_reference(f"oci:{layout}:{application.name}"))


def _installed(package: str, work: Path) -> Path:
    place = work / "runtime" / package
    if not place.is_dir():
        words = ["install", "-q", "--no-deps", "--no-compile", "--only-binary=:all:", "--target", str(place), package]
        subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return place


def measured(application: Application, image: Image, place: Path, given: argparse.Namespace) -> dict[str, Any]:
    """What became of the image's models in each tier, as plain values."""
    suite = place / "probes.toml"
    suite.write_text(PROBES, "utf-8")
    inventory = take_inventory(image, cache=default_cache())
    proving = learn(find_engine(given.runtime, Access()), inventory, read_suite(suite))
    facts = proving.engine.facts()
    return {
        "name": application.name,
        "package": application.package,
        "models": [f"/{path}" for path in application.models],
        "metrics": application.metrics,
        "engine": f"{facts.name} {facts.version}",
        "before": _figures(application, image, inventory)
        | {"metric": json.loads(proving.baseline.asked.answers[0].body)},
        "tiers": {tier: _shrunk(application, inventory, proving, tier) for tier in given.tiers},
    }


def _shrunk(application: Application, inventory: Inventory, proving: Proving, tier: str) -> dict[str, Any]:
    """The same image with its models in the form of a tier, as far as its probe let that pass."""
    asked = {} if tier == "lossless" else {"models": tier}
    options = Options(only=frozenset({"models"}), asked=asked, encoding=parse_encoding(layered.STORED))
    remarks: list[str] = []
    with work_store() as store:
        read = partial(read_rows, inventory)
        chosen = choose_shrinkers(inventory, options, Wanted((), False, tier), read)
        plan, kept = make_plan(inventory, [], options), Remembered(shrunk_directory())
        make = partial(make_offers, inventory, plan, place=Path(store.path, "shrunk"), remembered=kept)
        offers = make(chosen.shrinkers)
        plan = make_plan(inventory, [], options, offers=offers.taken)
        tried = [f"/{inventory.paths[row]}" for row in offers.taken]
        remarks += [f"{path.rpartition('/')[2]}: {why}" for path, left in offers.left.items() for why in left.values()]
        try:
            slimmed, proof = slim_proven(
                inventory,
                [],
                plan,
                proving,
                store,
                remark=remarks.append,
                gentler=GentlerModels(inventory, tier, read, make),
            )
        except SlimmlError as error:
            why = str(error).removeprefix(f"{inventory.image.reference}: ")
            return {"done": False, "nothing": isinstance(error, Refused), "tried": tried, "why": [*remarks, why]}
        answered = proof.verification.asked
        return _figures(application, slimmed.image, take_inventory(slimmed.image, cache=default_cache())) | {
            "done": True,
            "tried": tried,
            "why": remarks,
            "rewrites": proof.rewrites,
            "kept": [path for item in proof.kept for path in item.paths],
            "metric": json.loads(answered.answers[0].body) if answered else None,
        }


def _figures(application: Application, image: Image, inventory: Inventory) -> dict[str, Any]:
    sizes = inventory.column("size")
    return {
        "bytes": {f"/{path}": int(sizes[inventory.live[path]]) for path in application.models},
        "compressed": sum(layer.size for layer in image.manifest.layers),
    }


def add(path: Path, found: dict[str, Any]) -> None:
    """Put one image's rows into the report, in the place of earlier ones."""
    rows = json.loads(path.read_text("utf-8")) if path.exists() else []
    rest = [row for row in rows if row["name"] != found["name"]]
    rows = sorted([*rest, found], key=lambda row: row["name"])
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
