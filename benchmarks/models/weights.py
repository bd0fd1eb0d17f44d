"""Three side questions: zstd levels for weights, formats nobody opens, memory of casting large shards. One command.

    python benchmarks/models/weights.py [levels|formats|shards…] [--work DIR] [--reports DIR]

`formats` traces with strace which model files a small application opens. Adds to models.json; `run.py` with no work
left, or any later run of it, writes the page.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import zstandard
from subject import unpacked
from tables import draw, write_page

from slimml.models.recognise import recognise_file

LEVELS = (3, 9, 19)
SHARDS, SHARD_BYTES = 3, 1 << 30
PACKAGES = {
    "silero-vad==6.2.3": "silero_vad.onnx",
    "basic-pitch==0.4.0": "nmp.onnx",
    "rapidocr-onnxruntime==1.4.4": "",
}
APPLICATION = "import sys, onnxruntime; [onnxruntime.InferenceSession(path) for path in sys.argv[1:]]"


def levels(work: Path) -> list[dict[str, Any]]:
    """Bytes and processor time of zstd on weights, by level."""
    found = []
    for path in sorted((work / "minilm").glob("model.onnx")) + sorted(
        unpacked("rapidocr-onnxruntime==1.4.4", work).rglob("*rec_infer.onnx")
    ):
        content = path.read_bytes()
        rows = []
        for level in LEVELS:
            before = time.process_time()
            size = len(zstandard.ZstdCompressor(level=level).compress(content))
            rows.append({"level": level, "compressed": size, "seconds": time.process_time() - before})
        found.append({"path": path.name, "bytes": len(content), "levels": rows})
    return found


def formats(work: Path) -> list[dict[str, Any]]:
    """Model files of packages, and those that an application on onnxruntime opens."""
    found = []
    for package, name in PACKAGES.items():
        place = unpacked(package, work)
        models = {path.resolve() for path in place.rglob("*") if path.is_file() and recognise_file(path)}
        wanted = [str(path) for path in sorted(models) if path.name == name or (not name and path.suffix == ".onnx")]
        opened = _opened(wanted) & models
        found.append(
            {
                "package": package,
                "models": len(models),
                "bytes": sum(path.stat().st_size for path in models),
                "opened": sorted(path.name for path in opened),
                "opened_bytes": sum(path.stat().st_size for path in opened),
            }
        )
    return found


def _opened(paths: list[str]) -> set[Path]:
    with tempfile.NamedTemporaryFile("r") as trace:
        words = ["strace", "-f", "-e", "trace=open,openat", "-o", trace.name, sys.executable, "-c", APPLICATION]
        subprocess.run([*words, *paths], check=True)
        lines = trace.read()
    return {Path(name).resolve() for name in re.findall(r'open(?:at)?\(.*?"([^"]+)".*\) = \d', lines)}


def shards(work: Path) -> list[dict[str, Any]]:
    """Shards of fp32 zeros (sparse files) cast one after another in one process."""
    text = json.dumps({"w": {"dtype": "F32", "shape": [SHARD_BYTES // 4], "data_offsets": [0, SHARD_BYTES]}}).encode()
    with tempfile.TemporaryDirectory(dir=work) as place:
        for number in range(SHARDS):
            with (Path(place) / f"{number}.safetensors").open("wb") as stream:
                stream.write(len(text).to_bytes(8, "little") + text)
                stream.truncate(8 + len(text) + SHARD_BYTES)
        program = (
            "import sys, pathlib; from slimml.models.cast import cast\n"
            "for name in sys.argv[1:]: cast(pathlib.Path(name), pathlib.Path(name + '.new'), 'BF16')"
        )
        names = [str(path) for path in sorted(Path(place).glob("*.safetensors"))]
        child = subprocess.Popen([sys.executable, "-c", program, *names])
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise SystemExit("casting failed")
    return [
        {
            "shards": SHARDS,
            "bytes": SHARDS * SHARD_BYTES,
            "seconds": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss * 1024,
        }
    ]


def main() -> None:
    """Answer what is named and write the reports."""
    asked = {"levels": levels, "formats": formats, "shards": shards}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *asked], metavar="NAME")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "slimml-models")
    parser.add_argument("--reports", type=Path, default=Path(__file__).parents[2] / "reports")
    given = parser.parse_args()
    path = given.reports / "models.json"
    for name in given.names or asked:
        found = asked[name](given.work)
        report = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(report | {name: found}, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(json.dumps(found))
    report = json.loads(path.read_text("utf-8"))
    write_page(report, given.reports / "models.md")
    draw(report, given.reports / "models.svg")


if __name__ == "__main__":
    main()
