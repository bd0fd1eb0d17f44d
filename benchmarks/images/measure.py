#!/usr/bin/env python3
"""What slimml makes of the benchmark images: measure.py [NAME…] optimizes each at each level, runs and compares them.

The images have to be built (build.py). skopeo takes each out of the engine into an OCI layout, its layers compressed
with gzip as a push would; that is the size before. The size after is that of the layers that slimml wrote. Then the
result goes back into the engine, and probe.py has to find the same answers and no new complaint. Prints a table, and
with --json the numbers; ends with 1 when an image that was made small answers differently.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SLIMML = [sys.executable, "-m", "slimml"]


@dataclass(frozen=True)
class Measured:
    """One image at one level; sizes are bytes of compressed layers, `seconds` the wall time of `optimize`."""

    name: str
    level: str
    before: int
    after: int
    seconds: float
    wrong: tuple[str, ...]

    @property
    def gone(self) -> float:
        """The share that went, in per cent."""
        return 100 * (1 - self.after / self.before)


def layer_bytes(layout: Path, tag: str) -> int:
    """Bytes of the compressed layers of an image in a layout."""
    from slimml.oci.reference import parse_reference
    from slimml.oci.transfer import open_image

    return open_image(parse_reference(f"oci:{layout}:{tag}")).compressed_bytes


def take_out(name: str, layout: Path, socket: str) -> None:
    """The image of the engine as an OCI layout, as another tool makes it."""
    host = ["--src-daemon-host", socket] if socket else []
    source, target = f"docker-daemon:slimml-bench/{name}:latest", f"oci:{layout}:latest"
    subprocess.run(["skopeo", "copy", "--quiet", *host, source, target], check=True)


def measure(name: str, level: str, layout: Path, extra: list[str]) -> Measured:
    """Optimize, put back into the engine, probe."""
    begun = time.monotonic()
    # Not verified by slimml itself: here somebody else judges.
    words = ["optimize", f"oci:{layout}:latest", "-o", f"oci:{layout}:{level}", "--level", level, "--no-verify"]
    subprocess.run([*SLIMML, *words, "--yes", "--quiet", *extra], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - begun
    image = f"slimml-bench/{name}:{level}"
    words = ["copy", f"oci:{layout}:{level}", f"docker-daemon:{image}", "--quiet"]
    subprocess.run([*SLIMML, *words], check=True, stdout=subprocess.DEVNULL)
    words = [sys.executable, str(HERE / "probe.py"), name, f"slimml-bench/{name}:latest", image]
    probed = subprocess.run(words, capture_output=True, text=True, check=False)
    wrong = json.loads(probed.stdout)["wrong"] if probed.stdout else [probed.stderr.strip()]
    return Measured(name, level, layer_bytes(layout, "latest"), layer_bytes(layout, level), seconds, tuple(wrong))


def print_table(found: list[Measured]) -> None:
    """One line for each image and level, then the means."""
    print(f"{'image':16}{'level':8}{'before':>10}{'after':>10}{'gone':>8}{'optimize':>11}  answers")
    for one in found:
        verdict = "the same" if not one.wrong else f"DIFFERENT: {one.wrong[0][:80]} (and {len(one.wrong) - 1} more)"
        sizes = f"{one.before / 1e6:7.1f} MB{one.after / 1e6:7.1f} MB{one.gone:6.1f} %"
        print(f"{one.name:16}{one.level:8}{sizes}{one.seconds:9.1f} s  {verdict}")
    for level in dict.fromkeys(one.level for one in found):
        shares = [one.gone for one in found if one.level == level]
        print(f"level {level}: {sum(shares) / len(shares):.1f} % gone on average of {len(shares)} images")


def main() -> int:
    """Measure what was asked for."""
    names = sorted(path.parent.name for path in HERE.glob("*/probes.toml"))
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names)}; all unless given")
    parser.add_argument(
        "--level", action="append", choices=["safe", "likely", "all"], help="safe and likely if not given"
    )
    parser.add_argument("--engine-socket", help="the engine's address, unix:///…; DOCKER_HOST or the usual one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    parser.add_argument(
        "--option", action="append", default=[], help="an option of optimize, such as --option=--flatten"
    )
    chosen = parser.parse_args()
    if chosen.engine_socket:
        os.environ["DOCKER_HOST"] = chosen.engine_socket
    found = []
    with tempfile.TemporaryDirectory(prefix="slimml-measure-", dir="/var/tmp") as work:
        for name in chosen.names or names:
            layout = Path(work) / name
            take_out(name, layout, os.environ.get("DOCKER_HOST", ""))
            found += [measure(name, level, layout, chosen.option) for level in chosen.level or ["safe", "likely"]]
            subprocess.run(["rm", "-rf", str(layout)], check=True)
    print_table(found)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) | {"gone": one.gone} for one in found], indent=1) + "\n")
    return 1 if any(one.wrong for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
