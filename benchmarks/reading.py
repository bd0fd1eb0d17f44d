"""Reading one layer: slimml against the sum of its parts, and against tarfile + gzip + sha256, in one run.

    python benchmarks/reading.py LAYER.tar.gz|LAYER.tar.zst [--rounds N] [--json FILE]

Parts: decompress, SHA-256 of the blob, xxh3 of the contents; each measured alone, in a process of its own, as is the
whole. Rounds are interleaved; medians and ratios are printed. Bars: CPU at most 1.2 times the parts, wall at most a
third of tarfile's, peak memory below 300 MB.
"""

import argparse
import gc
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

PART_BYTES = 1 << 20
HASHED_PIECES = 512
SPENT: dict[str, float] = {}
"""what a step measured itself, without its preparation"""


def media_type(path: Path) -> str:
    """The layer media type that the file's first bytes tell."""
    magic = path.open("rb").read(4)
    suffix = "+gzip" if magic[:2] == b"\x1f\x8b" else "+zstd" if magic == b"\x28\xb5\x2f\xfd" else ""
    return "application/vnd.oci.image.layer.v1.tar" + suffix


def decompress(path: Path) -> None:
    """Part: the decompressor alone, with the codec that slimml uses."""
    from slimml.oci.codec import Decoded
    from slimml.oci.media_types import compression_of

    with path.open("rb", buffering=0) as file:
        for _ in Decoded(file, compression_of(media_type(path)), "the layer"):
            pass


def hash_blob(path: Path) -> None:
    """Part: SHA-256 of the stored blob."""
    found = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PART_BYTES):
            found.update(piece)


def hash_contents(path: Path) -> None:
    """Part: xxh3-128 over the bytes of the tar, which lie in memory already, but in no processor's cache."""
    import xxhash

    total = int(os.environ["TAR_BYTES"])
    memory = memoryview(os.urandom(PART_BYTES) * HASHED_PIECES)
    found = xxhash.xxh3_128()
    started = time.process_time(), time.perf_counter()
    for index in range(total // PART_BYTES):
        start = index % HASHED_PIECES * PART_BYTES
        found.update(memory[start : start + PART_BYTES])
    SPENT["cpu"], SPENT["wall"] = time.process_time() - started[0], time.perf_counter() - started[1]


def slimml_layer(path: Path) -> None:
    """The whole: entries, kinds, captured databases, a hash of every content, the blob's digest verified."""
    from slimml.inventory.collect import LayerCollector
    from slimml.oci.descriptor import Descriptor
    from slimml.oci.digest import Digest
    from slimml.oci.image import Layer
    from slimml.oci.scan import scan_layer

    class File:
        def open_blob(self, descriptor: Descriptor, offset: int = 0):
            return path.open("rb", buffering=0)

    blob = Descriptor(media_type(path), Digest(os.environ["BLOB_DIGEST"]), path.stat().st_size)
    collector = LayerCollector()
    facts = scan_layer(Layer(blob, Digest("sha256:" + "0" * 64), None, File()), collector)
    layer = collector.inventory(facts)
    print(json.dumps({"rows": layer.table.num_rows, "tar_bytes": layer.tar_bytes}))


def python_tarfile(path: Path) -> None:
    """What a plain script does: tarfile, its gzip, SHA-256 of every content, of the blob and of nothing else."""
    hash_blob(path)
    if media_type(path).endswith("zstd"):
        import zstandard

        stream = zstandard.ZstdDecompressor().stream_reader(path.open("rb"))
        archive = tarfile.open(fileobj=stream, mode="r|")
    else:
        archive = tarfile.open(path, "r|gz")
    for member in archive:
        if member.isreg():
            found = hashlib.sha256()
            content = archive.extractfile(member)
            while piece := content.read(PART_BYTES):
                found.update(piece)


STEPS: dict[str, Callable[[Path], None]] = {
    "decompress": decompress,
    "sha256 of the blob": hash_blob,
    "xxh3 of the contents": hash_contents,
    "slimml": slimml_layer,
    "tarfile": python_tarfile,
}
PARTS = ("decompress", "sha256 of the blob", "xxh3 of the contents")


def run_step(name: str, path: Path) -> None:
    """Run one step in this process and print what it cost, imports not counted."""
    import numpy  # noqa: F401
    import pyarrow  # noqa: F401
    import xxhash  # noqa: F401

    import slimml.inventory.collect
    import slimml.oci.scan  # noqa: F401
    from slimml.allocation import keep_freed_memory

    if name != "tarfile":  # as slimml.cli.main does
        gc.set_threshold(200_000, 20, 50)
        keep_freed_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    STEPS[name](path)
    cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu} | SPENT
    print(json.dumps(cost | {"rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def measure(path: Path, rounds: int, skip_tarfile: bool) -> dict[str, dict[str, float]]:
    """Medians of wall and CPU seconds and peak memory in bytes, by step."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PART_BYTES):
            digest.update(piece)
    environment = os.environ | {"BLOB_DIGEST": "sha256:" + digest.hexdigest(), "TAR_BYTES": "0"}
    first = call("slimml", path, environment)
    environment["TAR_BYTES"] = str(first[0]["tar_bytes"])
    found: dict[str, list[dict[str, float]]] = {name: [] for name in STEPS}
    for _ in range(rounds):
        for name in STEPS:
            if name != "tarfile" or not skip_tarfile:
                found[name].append(call(name, path, environment)[-1])
    medians = {
        name: {key: statistics.median(item[key] for item in items) for key in ("wall", "cpu", "rss")}
        for name, items in found.items()
        if items
    }
    return medians | {"layer": {"blob": path.stat().st_size, **first[0]}}


def call(name: str, path: Path, environment: dict[str, str]) -> list[dict[str, float]]:
    """Run a step in a fresh process; the JSON lines it printed."""
    command = [sys.executable, __file__, str(path), "--step", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("layer", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--skip-tarfile", action="store_true")
    parser.add_argument("--step", choices=list(STEPS))
    arguments = parser.parse_args()
    if arguments.step:
        run_step(arguments.step, arguments.layer)
        return
    found = measure(arguments.layer, arguments.rounds, arguments.skip_tarfile)
    layer = found.pop("layer")
    print(f"layer: {layer['blob'] / 1e6:.0f} MB stored, {layer['tar_bytes'] / 1e6:.0f} MB tar, {layer['rows']} entries")
    for name, cost in found.items():
        print(f"{name:22s} wall {cost['wall']:6.2f} s  cpu {cost['cpu']:6.2f} s  peak {cost['rss'] / 1e6:4.0f} MB")
    parts = sum(found[name]["cpu"] for name in PARTS)
    ratios = {"cpu of slimml / its parts": found["slimml"]["cpu"] / parts}
    if "tarfile" in found:
        ratios["wall of tarfile / slimml"] = found["tarfile"]["wall"] / found["slimml"]["wall"]
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"layer": layer, "steps": found, "ratios": ratios}, indent=1) + "\n")


if __name__ == "__main__":
    main()
