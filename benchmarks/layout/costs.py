#!/usr/bin/env python3
"""What updates cost once an image is laid out: bytes of layers that a node lacks, counted, not timed.

    python benchmarks/layout/costs.py IMAGE… [--rebuilds 10] [--compat docker20] [--reports reports]

Of each image (any reference) the layout alone is made, with nothing removed, and held against the original: every path,
mode, owner, extended attribute, link, content and time has to be the same (tests/support/seen_root.py, which knows
nothing of slimml's merging). Then come images as a build would make them, a layer more on top: one changed file of the
application; one distribution of another version; and rebuilds one after the other, each with both. Each is laid out
with the one before as --previous. Sizes are those of the layers' descriptors; the same image gives the same figures.
"""

import argparse
import io
import json
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from seen_root import seen  # noqa: E402 - beside the tests

from slimml.inventory.cache import default_cache  # noqa: E402
from slimml.inventory.owner import System  # noqa: E402
from slimml.inventory.read_rows import read_rows  # noqa: E402
from slimml.inventory.table import Inventory  # noqa: E402
from slimml.inventory.take import take_inventory  # noqa: E402
from slimml.oci.blobs import BlobStore  # noqa: E402
from slimml.oci.config import parse_config  # noqa: E402
from slimml.oci.descriptor import Descriptor  # noqa: E402
from slimml.oci.digest import sha256  # noqa: E402
from slimml.oci.documents import dump_canonical  # noqa: E402
from slimml.oci.image import Image, Layer, assemble  # noqa: E402
from slimml.oci.manifest import build_manifest  # noqa: E402
from slimml.oci.media_types import OCI_CONFIG, layer_type  # noqa: E402
from slimml.oci.reference import parse_reference  # noqa: E402
from slimml.oci.tar.events import Kind  # noqa: E402
from slimml.oci.transfer import Access, open_image  # noqa: E402
from slimml.slim.layer_sink import LayerSink  # noqa: E402
from slimml.slim.layout.asked import Layout  # noqa: E402
from slimml.slim.layout.compat import Compat, Effort, encoding_for  # noqa: E402
from slimml.slim.layout.listing import read_listing  # noqa: E402
from slimml.slim.layout.root import Root, apply_layer  # noqa: E402
from slimml.slim.optimize import Slimmed, carry_out  # noqa: E402
from slimml.slim.options import Options  # noqa: E402
from slimml.slim.planning import make_plan  # noqa: E402
from slimml.slim.workshop import work_store  # noqa: E402

Figures = dict[str, Any]
DISTRIBUTIONS = ("typing-extensions", "click", "requests", "pillow", "numpy", "scipy", "torch", "onnxruntime")
NEW_TIME = 1_900_000_000


@dataclass(frozen=True)
class Bench:
    """How layouts are made."""

    store: BlobStore
    compat: Compat

    def lay_out(self, image: Image, previous: Image | None = None) -> Slimmed:
        """The layout alone, nothing removed."""
        options = Options(
            only=frozenset({"relayer"}),
            encoding=encoding_for(self.compat.best, Effort.DEFAULT),
            accepts=self.compat.accepts,
            layout=Layout(previous=previous),
        )
        inventory = take_inventory(image, cache=default_cache())
        return carry_out(inventory, make_plan(inventory, [], options), self.store)

    def with_layer(self, image: Image, tar: bytes) -> tuple[Image, int]:
        """The image with one more layer on top, and the bytes of its blob, as a build makes it."""
        encoding = encoding_for(self.compat.best, Effort.DEFAULT)
        with LayerSink(self.store, encoding, layer_type(encoding.compression, docker=False)) as sink:
            sink.write(tar)
            written = sink.finish()
        document = json.loads(image.config.raw)
        document["rootfs"]["diff_ids"] = [*document["rootfs"]["diff_ids"], written.diff_id]
        document["history"] = with_step(document.get("history", []))
        raw = dump_canonical(document)
        config = Descriptor(OCI_CONFIG, sha256(raw), len(raw))
        known = [stored(layer, size) for layer, size in zip(image.layers, self.sizes(image), strict=True)]
        manifest = build_manifest(config=config, layers=[*known, written.descriptor])
        made = assemble(image.reference, manifest, parse_config(raw), self.store)
        layers = tuple(replace(new, blobs=old.blobs) for new, old in zip(made.layers[:-1], image.layers, strict=True))
        return replace(made, layers=(*layers, made.layers[-1])), written.descriptor.size

    def sizes(self, image: Image) -> list[int]:
        """Bytes of the blobs; of plain tars behind an engine's API those of the tars."""
        if all(layer.descriptor.size >= 0 for layer in image.layers):
            return [layer.descriptor.size for layer in image.layers]
        read = take_inventory(image, cache=default_cache()).layers
        return [max(layer.descriptor.size, one.tar_bytes) for layer, one in zip(image.layers, read, strict=True)]


def with_step(history: list[Figures]) -> list[Figures]:
    """The history with a step that makes a layer, before those at the end that make none (CMD and the like)."""
    end = len(history)
    while end and history[end - 1].get("empty_layer"):
        end -= 1
    return [*history[:end], {"created_by": "RUN a build"}, *history[end:]]


def stored(layer: Layer, size: int) -> Descriptor:
    """The descriptor under an OCI name."""
    return Descriptor(layer_type(layer.compression, docker=False), layer.descriptor.digest, size)


class Kept:
    """Contents of some files, in memory."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def begin(self, size: int) -> None:
        self.pieces = []

    def data(self, piece: memoryview) -> None:
        self.pieces.append(bytes(piece))

    def end(self) -> None: ...


def changed(inventory: Inventory, rows: dict[str, int], rename: Callable[[str], str] = str) -> bytes:
    """A tar with these files, each a little different, as a build's layer has them; old names are whited out."""
    takers = {row: Kept() for path, row in rows.items() if inventory.column("kind")[row] == Kind.FILE}
    read_rows(inventory, takers)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, row in sorted(rows.items()):
            if row not in takers:
                continue
            content = b"".join(takers[row].pieces) + b"\n# another version\n"
            member = tarfile.TarInfo(rename(path))
            member.size, member.mtime = len(content), NEW_TIME
            for name in ("mode", "uid", "gid"):
                setattr(member, name, int(inventory.column(name)[row]))
            tar.addfile(member, io.BytesIO(content))
        for gone in sorted({path.rpartition("/")[0] for path in rows if rename(path) != path}):
            parent, _, name = gone.rpartition("/")
            tar.addfile(tarfile.TarInfo(f"{parent}/.wh.{name}"))
    return out.getvalue()


def application_file(inventory: Inventory) -> str:
    """A source of the application: the smallest of /srv or /app that nobody owns."""
    found = [
        (int(inventory.column("size")[row]), path)
        for path, row in inventory.live.items()
        if path.startswith(("srv/", "app/")) and path.endswith(".py")
    ]
    return min(found)[1]


def distribution(inventory: Inventory, name: str) -> dict[str, int]:
    """The live files of a distribution, by path; none where it is not there."""
    positions = [
        position
        for position, owner in enumerate(inventory.owners)
        if owner.system is System.PYTHON and owner.name.lower().replace("_", "-") == name
    ]
    rows = {path: row for path, row in inventory.live.items() if int(inventory.owner[row]) in positions}
    return {path: row for path, row in rows.items() if inventory.column("kind")[row] == Kind.FILE}


def bumped(inventory: Inventory, name: str) -> bytes:
    """A layer in which a distribution has another version."""
    return changed(inventory, distribution(inventory, name), lambda path: path.replace(".dist-info/", "+1.dist-info/"))


def fetched(result: Image, previous: Image) -> int:
    """Bytes of layers that are not the previous image's."""
    known = {layer.descriptor.digest for layer in previous.layers}
    return sum(layer.descriptor.size for layer in result.layers if layer.descriptor.digest not in known)


def could_stay(result: Image, previous: Image) -> tuple[int, int]:
    """Of the previous image's layers how many could stay, since all their files are as they were, and how many do."""
    root: Root = {}
    for layer in result.layers:
        apply_layer(root, read_listing(layer))
    now = {layer.descriptor.digest for layer in result.layers}
    could = 0
    for layer in previous.layers:
        own: Root = {}
        apply_layer(own, read_listing(layer))
        files = {path: node for path, node in own.items() if node.kind is not Kind.DIRECTORY}
        same = bool(files) and all(path in root and root[path].key == node.key for path, node in files.items())
        could += same or layer.descriptor.digest in now
    return could, sum(layer.descriptor.digest in now for layer in previous.layers)


def measure(words: str, bench: Bench, access: Access, rebuilds: int, distributions: Sequence[str]) -> Iterator[Figures]:
    """The figures of one image, one after the other."""
    image = open_image(parse_reference(words), access)
    original = take_inventory(image, cache=default_cache())
    first = bench.lay_out(image)
    sizes = bench.sizes(first.image)
    assert first.relaid is not None
    yield {
        "what": "layout",
        "layers": [
            {"bytes": size, "told": layer.history.created_by if layer.history else "", "base": at < first.relaid.base}
            for at, (layer, size) in enumerate(zip(first.image.layers, sizes, strict=True))
        ],
        "bytes": sum(sizes),
        "largest_share": round(max(sizes) / sum(sizes), 4),
        "same_root": seen(first.image) == seen(image),
        "paths": len(original.live),
    }
    path = application_file(original)
    built, _ = bench.with_layer(image, changed(original, {path: original.live[path]}))
    result = bench.lay_out(built, first.image).image
    cost = fetched(result, first.image)
    yield {
        "what": "application",
        "path": path,
        "fetched": cost,
        "share": cost / sum(sizes),
        "same_root": seen(result) == seen(built),
    }
    names = [name for name in distributions if distribution(original, name)]
    for name in names:
        built, own = bench.with_layer(image, bumped(original, name))
        result = bench.lay_out(built, first.image).image
        cost = fetched(result, first.image)
        yield {"what": "distribution", "name": name, "own": own, "fetched": cost, "ratio": cost / own}
    if rebuilds:
        yield from rebuild(image, first.image, bench, rebuilds)


def rebuild(image: Image, previous: Image, bench: Bench, rebuilds: int) -> Iterator[Figures]:
    """Rebuilds one after the other: each has another application and another version of one distribution more."""
    small = sorted(
        (int(original_size), name)
        for name, original_size in sizes_of_distributions(take_inventory(image, cache=default_cache())).items()
    )
    for number in range(rebuilds):
        inventory = take_inventory(image, cache=default_cache())
        path = application_file(inventory)
        name = small[len(small) // 3 + number][1]
        image, own = bench.with_layer(image, changed(inventory, {path: inventory.live[path]}))
        image, more = bench.with_layer(image, bumped(take_inventory(image, cache=default_cache()), name))
        result = bench.lay_out(image, previous).image
        could, kept = could_stay(result, previous)
        cost = fetched(result, previous)
        yield {
            "what": "rebuild",
            "number": number + 1,
            "name": name,
            "own": own + more,
            "fetched": cost,
            "layers": len(result.layers),
            "could_stay": could,
            "stayed": kept,
        }
        previous = result


def sizes_of_distributions(inventory: Inventory) -> dict[str, int]:
    """Compressed bytes by distribution, as estimated."""
    found: dict[str, int] = {}
    for row, owner in enumerate(inventory.owner.tolist()):
        one = inventory.owners[owner]
        if one.system is System.PYTHON:
            name = one.name.lower().replace("_", "-")
            found[name] = found.get(name, 0) + int(inventory.column("compressed")[row])
    return found


def main() -> None:
    """Measure, print a line for each figure, and keep them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--rebuilds", type=int, default=10)
    parser.add_argument("--distributions", default=",".join(DISTRIBUTIONS), help="those that get another version")
    parser.add_argument("--compat", type=Compat, default=Compat.DOCKER20)
    parser.add_argument("--engine-socket")
    parser.add_argument("--reports", type=Path, default=ROOT / "reports")
    said = parser.parse_args()
    access = Access(engine=said.engine_socket)
    said.reports.mkdir(exist_ok=True)
    results = said.reports / "layout-costs.jsonl"
    for words in said.images:
        with work_store() as store:
            for figures in measure(
                words, Bench(store, said.compat), access, said.rebuilds, said.distributions.split(",")
            ):
                line = json.dumps({"image": words, "compat": said.compat.value, **figures}, sort_keys=True)
                with results.open("a") as file:
                    file.write(line + "\n")
                print(line, flush=True)


if __name__ == "__main__":
    main()
