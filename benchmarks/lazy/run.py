"""What lazy formats cost and save: pulled and started by Podman, over shaped links, in interleaved rounds.

    python benchmarks/lazy/run.py oci:DIR:TAG --command "python -c pass" [--update oci:DIR:TAG2] [--recording FILE]
        [--links loopback,100mbit/each,200mbit+20ms] [--rounds 5] [--out results.jsonl]

Each variant of the image (as it is, gzip, zstd, eStargz, eStargz in order of use, zstd:chunked) is pushed to a registry
of its own run. A turn pulls a variant with Podman, whose storage is empty, runs the command in it, and with `--update`
pulls the next version over it; the proxy counts bytes and requests. Podman fetches parts where the format lets it
(`enable_partial_images`). Turns of a round go through all variants and links in an order drawn anew. Needs root,
podman, docker-registry. Results are JSON lines, and a table of medians at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from slimml.bench.registry import own_registry
from slimml.bench.shaping import Link, Shaper, parse_links, shaped
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.oci.codec import compressor, parse_encoding
from slimml.oci.image import Image, Layer
from slimml.oci.lazy.encode import Wish, lazy_image
from slimml.oci.lazy.formats import LazyFormat
from slimml.oci.limits import DEFAULT_LIMITS
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import OCI_CONFIG, layer_type
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image, write_image
from slimml.oci.verified_layer import verified_tar
from slimml.slim.lazily import order_from

_LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096")
"""Podman's own are above what some machines let a container set"""


@dataclass(frozen=True)
class Turn:
    """One variant over one link."""

    variant: str
    link: Link


def main() -> None:
    """Push, pull in rounds, tell."""
    said = _arguments()
    links = parse_links(said.links)
    work = Path(tempfile.mkdtemp(prefix="slimml-lazy-"))
    try:
        with own_registry(BlobStore(work / "registry")) as registry, ExitStack() as proxies:
            sizes = {}
            for version, words in enumerate(filter(None, (said.image, said.update)), 1):
                image = open_image(parse_reference(words))
                for name, made in _variants(image, said.recording if version == 1 else [], work):
                    sizes[name, version] = made.compressed_bytes
                    _push(made, f"{registry.address}/{name}:{version}")
            shapers = {link: proxies.enter_context(shaped(link, registry.address)) for link in links}
            names = sorted({name for name, _ in sizes})
            rows = list(_rounds(said, names, shapers, work))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for row in rows:
        row["blob_bytes"] = sizes[row["variant"], row["version"]]
    with said.out.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row, sort_keys=True) + "\n" for row in rows)
    _table(rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image")
    parser.add_argument("--command", required=True, help="what is run in the image; its end with code 0 is the answer")
    parser.add_argument("--update", help="the next version of the image, pulled over the first")
    parser.add_argument("--recording", type=Path, action="append", default=[])
    parser.add_argument("--links", default="loopback,100mbit/each,200mbit+20ms")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("lazy.jsonl"))
    return parser.parse_args()


def _variants(image: Image, recordings: list[Path], work: Path) -> Iterator[tuple[str, Image]]:
    """The image in each form, by name."""
    store = BlobStore(work / "encoded")
    yield "original", image
    for kind in ("gzip:6", "zstd:9"):
        yield kind.partition(":")[0], _encoded(image, kind, store)
    for lazy in LazyFormat:
        yield lazy.value, lazy_image(image, Wish(lazy), store).image
    if recordings:
        order = order_from(recordings, take_inventory(image))
        yield "estargz-ordered", lazy_image(image, Wish(LazyFormat.ESTARGZ, order=order), store).image


def _encoded(image: Image, kind: str, store: BlobStore) -> Image:
    """The image with ordinary layers of one compression."""
    encoding = parse_encoding(kind)
    layers = []
    for layer in image.layers:
        packing = compressor(encoding)
        with verified_tar(layer, DEFAULT_LIMITS, lambda amount: None) as tar, store.writer() as blob:
            while piece := tar.read(1 << 20):
                blob.write(packing.compress(piece))
            blob.write(packing.finish())
            found = blob.commit(layer_type(encoding.compression, docker=False))
        layers.append(Layer(found, layer.diff_id, layer.history, store))
    config = image.manifest.config
    said = type(config)(OCI_CONFIG, config.digest, config.size)
    manifest = build_manifest(config=said, layers=[layer.descriptor for layer in layers])
    return Image(image.reference, manifest, image.config, tuple(layers))


def _push(image: Image, name: str) -> None:
    write_image(image, parse_reference(f"docker://{name}"), Access(insecure=True))


def _rounds(
    said: argparse.Namespace, names: list[str], shapers: dict[Link, Shaper], work: Path
) -> Iterator[dict[str, object]]:
    turns = [Turn(name, link) for name in names for link in shapers]
    for number in range(said.rounds):
        random.shuffle(turns)
        for turn in turns:
            sys.stderr.write(f"round {number + 1}: {turn.variant} over {turn.link.name}\n")
            with _podman(work) as podman:
                for version in (1, 2) if said.update else (1,):
                    words = shlex.split(said.command)
                    yield {"round": number, **_measure(podman, turn, shapers[turn.link], version, words)}


def _measure(podman: Podman, turn: Turn, shaper: Shaper, version: int, command: list[str]) -> dict[str, object]:
    name = f"{shaper.address}/{turn.variant}:{version}"
    before, began = shaper.passed(), time.perf_counter()
    told = podman("--log-level=debug", "pull", "--tls-verify=false", name)
    pulled = time.perf_counter()
    podman("run", "--rm", "--network=none", *_LIMITS, "--entrypoint=", name, *command)
    answered = time.perf_counter()
    passed = shaper.passed().since(before)
    return {
        "variant": turn.variant,
        "link": turn.link.name,
        "version": version,
        "pull_seconds": pulled - began,
        "answer_seconds": answered - began,
        "wire_bytes": passed.bytes_down,
        "requests": passed.requests,
        "partial_layers": told.count("Retrieved partial blob"),
        "load": os.getloadavg()[0],
    }


class Podman:
    """Podman with an empty storage, which takes parts of layers."""

    def __init__(self, directory: Path) -> None:
        configuration = directory / "storage.conf"
        configuration.write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{directory}/run"\ngraphroot = "{directory}/root"\n'
            '[storage.options]\npull_options = {enable_partial_images = "true"}\n'
        )
        self._command = ["podman", f"--root={directory}/root", f"--runroot={directory}/run", "--storage-driver=overlay"]
        self._command += ["--runtime=runc"] if shutil.which("runc") else []
        self._environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(configuration)}

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [*self._command, *words], env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"podman {' '.join(words)}: {done.stderr[-1000:]}")
        return done.stdout + done.stderr


@contextmanager
def _podman(work: Path) -> Iterator[Podman]:
    with tempfile.TemporaryDirectory(prefix="slimml-podman-", ignore_cleanup_errors=True) as directory:
        podman = Podman(Path(directory))
        try:
            yield podman
        finally:
            podman("system", "reset", "--force")
            subprocess.run(["umount", "--lazy", f"{directory}/root/overlay"], check=False, stderr=subprocess.DEVNULL)


def _table(rows: list[dict[str, object]]) -> None:
    print("| link | version | variant | blobs MB | wire MB | requests | parts | pull s | first answer s |")
    print("|---|---|---|---|---|---|---|---|---|")
    groups: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for row in rows:
        groups.setdefault((str(row["link"]), str(row["version"]), str(row["variant"])), []).append(row)
    for key, found in sorted(groups.items()):
        middle = {name: statistics.median(float(str(row[name])) for row in found) for name in _FIGURES}
        print(
            f"| {' | '.join(key)} | {middle['blob_bytes'] / 1e6:.2f} | {middle['wire_bytes'] / 1e6:.2f} | "
            f"{middle['requests']:.0f} | {middle['partial_layers']:.0f} | {middle['pull_seconds']:.2f} | "
            f"{middle['answer_seconds']:.2f} |"
        )


_FIGURES = ("blob_bytes", "wire_bytes", "requests", "partial_layers", "pull_seconds", "answer_seconds")


if __name__ == "__main__":
    main()
