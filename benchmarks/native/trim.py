"""The GPU libraries of a real torch, trimmed to five choices of GPUs: sizes, time, and whether everything still holds.

    pip install --target TREE --no-compile --only-binary=:all: 'torch===2.13.0'
    pip install --target TOOLS --no-deps nvidia-cuda-cuobjdump
    python benchmarks/native/trim.py TREE --cuobjdump TOOLS/nvidia/cu13/bin/cuobjdump [--targets …] [--link …]
    python benchmarks/native/trim.py TREE --time sm_90

Each choice is applied to a copy of TREE beside it (hard links; about 4 GB, removed afterwards), proprietary libraries
included: this is a measurement, nothing of it is passed on. For each: bytes and zstd -3 bytes of every library, the
wall time of the whole tree in two processes; then NVIDIA's cuobjdump must list exactly what should have stayed, every
kept element must be the same bytes, every library must load and tell the same version as before, `import torch` must
compute the same, and NVIDIA's linker must make the same cubin of NCCL. Needs gcc and binutils; no GPU. Writes
reports/native-trim.json and its table into reports/native.md. --time measures the time of one choice again, for
a machine that had other things to do, and corrects both.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from mmap import ACCESS_READ, mmap
from pathlib import Path

import trim_loading as loading
import zstandard

from slimml.native.architectures import parse_targets
from slimml.native.elf_file import open_elf
from slimml.native.gpu_sections import MOVABLE, gpu_sections
from slimml.native.outcome import Shrunk
from slimml.native.select import is_dead, kept_elements
from slimml.native.trim import trim_file

CHOICES = ["sm_75", "sm_80", "sm_90", "sm_120", "sm_80,sm_90"]
LINKED = ["sm_75", "sm_80", "sm_90", "sm_120"]
REPORTS = Path(__file__).resolve().parents[2] / "reports"
BEGIN, END = "<!-- trim: begin -->\n", "<!-- trim: end -->\n"
SHOWN = 3 << 20
"""libraries that lose less are summed up in the table"""
PROCESSES = 2


@dataclass
class File:
    """One library before and after, in bytes."""

    path: str
    before: int
    after: int
    zstd_before: int
    zstd_after: int
    remarks: str


@dataclass
class Choice:
    """What one choice of GPUs made of the tree; `problems` is empty when everything held."""

    targets: str
    seconds: float
    files: list[File] = field(default_factory=list)
    listed: dict[str, int] = field(default_factory=dict)
    stand_ins: int = 0
    elements: int = 0
    loaded: int = 0
    versions: int = 0
    linked: dict[str, bool] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def native_files(tree: Path) -> list[Path]:
    """Its ELF files, the largest first."""
    found = []
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size >= 4096:
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(path)
    return sorted(found, key=lambda path: (-path.stat().st_size, path))


def trim_in_place(targets: tuple[int, ...], path: Path) -> str:
    """Trim one file; why it is as it was, or what of it is."""
    outcome = trim_file(path, path, targets)
    return "; ".join(outcome.remarks) if isinstance(outcome, Shrunk) else outcome.reason


def compressed(path: Path) -> int:
    """Bytes at zstd -3."""
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    with path.open("rb") as file:
        return sum(len(packer.compress(piece)) for piece in iter(lambda: file.read(1 << 20), b"")) + len(packer.flush())


def expected(path: Path, targets: tuple[int, ...], *, changed: bool) -> tuple[Counter[str], int]:
    """The cubins that cuobjdump should list of a library by architecture, and how many are stand-ins."""
    kept: Counter[str] = Counter()
    stand_ins = 0
    with open_elf(path) as elf, mmap(elf.descriptor, 0, access=ACCESS_READ) as data:
        for section in gpu_sections(elf, data):
            if section.name in MOVABLE:
                for container in section.containers:
                    stays = kept_elements(container, targets) if changed else container.elements
                    kept.update(one.target.rstrip("f") for one in stays if one.is_cubin)
                    stand_ins += changed and is_dead(container, targets)
    return kept, stand_ins


def listed(cuobjdump: Path, path: Path) -> Counter[str]:
    """The cubins that NVIDIA's cuobjdump lists, by architecture."""
    said = subprocess.run([cuobjdump, "-all", "--list-elf", path], capture_output=True, text=True, check=False).stdout
    return Counter(name.rstrip("f") for name in re.findall(r"\.(sm_\w+)\.cubin", said))


def same_elements(before: Path, after: Path, targets: tuple[int, ...]) -> int:
    """The number of elements that stayed, byte for byte; -1 where one did not."""
    with (
        open_elf(before) as old, mmap(old.descriptor, 0, access=ACCESS_READ) as was,
        open_elf(after) as new, mmap(new.descriptor, 0, access=ACCESS_READ) as now,
    ):  # fmt: skip
        pairs = list(zip(gpu_sections(old, was), gpu_sections(new, now), strict=True))
        count = 0
        for one, other in pairs:
            changed = one.section.size != other.section.size
            for left, right in zip(one.containers, other.containers, strict=True):
                kept = kept_elements(left, targets) if changed else left.elements
                pieces = [was[each.offset : each.offset + each.bytes] for each in kept]
                if pieces != [now[each.offset : each.offset + each.bytes] for each in right.elements]:
                    return -1
                count += len(pieces)
        return count


def judge_file(
    targets: tuple[int, ...], cuobjdump: Path, pair: tuple[Path, Path]
) -> tuple[Counter[str], int, int, str]:
    """What cuobjdump lists, stand-ins, kept elements, and what is wrong with one trimmed library."""
    before, after = pair
    wanted, stand_ins = expected(before, targets, changed=not before.samefile(after))
    count = same_elements(before, after, targets)
    found = listed(cuobjdump, after) if wanted else Counter()
    wrong = [] if found == wanted else [f"cuobjdump lists {dict(found)}, not {dict(wanted)}"]
    wrong += ["an element changed"] if count < 0 else []
    return found, stand_ins, count, "; ".join(wrong)


def measure(text: str, tree: Path, cuobjdump: Path, before: dict[str, object]) -> Choice:
    """Trim a copy of the tree and hold it against the original."""
    targets = parse_targets(text)
    copy = tree.with_name(f"{tree.name}-{text.replace(',', '-')}")
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-al", tree, copy], check=True)
    started = time.monotonic()
    files = native_files(copy)
    with ProcessPoolExecutor(PROCESSES) as pool:
        remarks = list(pool.map(partial(trim_in_place, targets), files))
        choice = Choice(text, round(time.monotonic() - started, 1))
        packed = list(pool.map(compressed, files))
        pairs = [(tree / path.relative_to(copy), path) for path in files]
        judged = list(pool.map(partial(judge_file, targets, cuobjdump), pairs))
    for path, remark, after in zip(files, remarks, packed, strict=True):
        name = str(path.relative_to(copy))
        size, zstd = before["sizes"][name]
        choice.files.append(File(name, size, path.stat().st_size, zstd, after, remark))
    counted: Counter[str] = Counter()
    for (found, stand_ins, count, wrong), one in zip(judged, choice.files, strict=True):
        counted += found
        choice.stand_ins += stand_ins
        choice.elements += count
        choice.problems += [f"{one.path}: {wrong}"] if wrong else []
    choice.listed = dict(sorted(counted.items()))
    check_use(choice, copy, before, targets)
    shutil.rmtree(copy)
    return choice


def check_use(choice: Choice, copy: Path, before: dict[str, object], targets: tuple[int, ...]) -> None:
    """Load every library, import torch, link NCCL."""
    libraries = [copy / path for path in before["loaded"]]
    loaded = loading.load_all(libraries, copy, before["stand_ins"])
    for path, said in loaded.items():
        if said != before["loaded"][path]:
            choice.problems.append(f"{path}: says {said!r}, not {before['loaded'][path]!r}")
    choice.loaded = sum(not said.startswith("failed") for said in loaded.values())
    choice.versions = sum(said != "loaded" and not said.startswith("failed") for said in loaded.values())
    if (said := loading.import_torch(copy)) != before["torch"]:
        choice.problems.append(f"torch says {said}, not {before['torch']}")
    for target in before["linked"].keys() & set(targets):
        cubin = loading.linked(before["linker"], copy / loading.NCCL, target)
        choice.linked[f"sm_{target}"] = cubin == before["linked"][target] and not cubin.startswith("failed")
        if not choice.linked[f"sm_{target}"]:
            choice.problems.append(f"NVIDIA's linker makes another cubin of NCCL for sm_{target}: {cubin}")


def original(tree: Path, link: set[int], stand_ins: Path) -> dict[str, object]:
    """The same questions, asked of the tree as it is."""
    files = native_files(tree)
    libraries = sorted(path for path in files if ".so" in path.name)
    names = loading.make_stand_ins(libraries, tree, stand_ins)
    with ProcessPoolExecutor(PROCESSES) as pool:
        packed = list(pool.map(compressed, files))
    linker = tree / loading.LINKER
    return {
        "sizes": {
            str(path.relative_to(tree)): (path.stat().st_size, size) for path, size in zip(files, packed, strict=True)
        },
        "loaded": loading.load_all(libraries, tree, stand_ins),
        "torch": loading.import_torch(tree),
        "linker": linker,
        "linked": {one: loading.linked(linker, tree / loading.NCCL, one) for one in sorted(link)},
        "stand_ins": stand_ins,
        "stand_in_names": names,
    }


def distributions(tree: Path) -> list[str]:
    """What is installed in the tree."""
    return sorted(path.name.removesuffix(".dist-info") for path in tree.glob("*.dist-info"))


def table(choices: list[Choice]) -> str:
    """The table of reports/native.md."""
    head = "| MB | before | " + " | ".join(one.targets.replace(",", " + ") for one in choices) + " |\n"
    lines = [head, "|---" + "|---:" * (len(choices) + 1) + "|\n"]
    by_path = [{file.path: file for file in one.files} for one in choices]
    paths = [file.path for file in choices[0].files]
    shown = [path for path in paths if max(each[path].before - each[path].after for each in by_path) > SHOWN]
    shown.sort(key=lambda path: -by_path[0][path].before)
    for path in shown:
        cells = [f"{each[path].after / 1e6:.1f} (-{1 - each[path].after / each[path].before:.0%})" for each in by_path]
        lines.append(f"| {Path(path).name} | {by_path[0][path].before / 1e6:.1f} | {' | '.join(cells)} |\n")
    for title, was, now in (("all native files", "before", "after"), ("all, zstd -3", "zstd_before", "zstd_after")):
        sums = [
            (sum(getattr(file, was) for file in one.files), sum(getattr(file, now) for file in one.files))
            for one in choices
        ]
        cells = [f"{after / 1e6:.0f} (-{1 - after / before:.0%})" for before, after in sums]
        lines.append(f"| **{title}** | {sums[0][0] / 1e6:.0f} | {' | '.join(cells)} |\n")
    rows = [
        ("wall time, two processes", lambda one: f"{one.seconds:.0f} s"),
        ("elements kept, byte for byte", lambda one: str(one.elements)),
        ("stand-ins among them", lambda one: str(one.stand_ins)),
        (
            "libraries that load",
            lambda one: f"{one.loaded} of {one.loaded + sum('failed' in each for each in one.problems)}",
        ),
        ("the same version told", lambda one: str(one.versions)),
        (
            "NCCL links to the same cubin",
            lambda one: ", ".join("yes" if one.linked[each] else "no" for each in one.linked) or "not asked",
        ),
        ("problems", lambda one: str(len(one.problems))),
    ]
    lines += [f"| {title} | | {' | '.join(map(say, choices))} |\n" for title, say in rows]
    return "".join(lines)


def write_reports(result: dict[str, object], choices: list[Choice]) -> None:
    """The JSON, and its table between two marks of reports/native.md."""
    (REPORTS / "native-trim.json").write_text(json.dumps(result, indent=1) + "\n")
    page = REPORTS / "native.md"
    text = page.read_text() if page.exists() else f"# Native code\n\n## GPU code for the GPUs at hand\n\n{BEGIN}{END}"
    if BEGIN not in text:
        text += f"\n## GPU code for the GPUs at hand\n\n{BEGIN}{END}"
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    page.write_text(text[:begin] + "\n" + table(choices) + "\n" + text[end:])


def time_again(tree: Path, text: str) -> int:
    """Measure the time of one choice, and put it into the reports."""
    copy = tree.with_name(f"{tree.name}-time")
    subprocess.run(["cp", "-al", tree, copy], check=True)
    started = time.monotonic()
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(partial(trim_in_place, parse_targets(text)), native_files(copy)))
    seconds = round(time.monotonic() - started, 1)
    shutil.rmtree(copy)
    result = json.loads((REPORTS / "native-trim.json").read_text())
    choices = [Choice(**{**one, "files": [File(**file) for file in one["files"]]}) for one in result["choices"]]
    for stored, one in zip(result["choices"], choices, strict=True):
        if one.targets == text:
            stored["seconds"] = one.seconds = seconds
    write_reports(result, choices)
    print(f"{seconds} s")
    return 0


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--cuobjdump", type=Path, default=Path("cuobjdump"))
    parser.add_argument("--targets", nargs="*", default=CHOICES)
    parser.add_argument("--link", nargs="*", default=LINKED, help="link NCCL for these (sm_120 takes minutes)")
    parser.add_argument("--time", metavar="TARGETS")
    options = parser.parse_args()
    tree = options.tree.resolve()
    if options.time:
        return time_again(tree, options.time)
    link = {target for text in options.link for target in parse_targets(text)}
    before = original(tree, link, tree.with_name(f"{tree.name}-stand-ins"))
    choices = []
    for text in options.targets:
        choices.append(measure(text, tree, options.cuobjdump.absolute(), before))
        print(text, f"{choices[-1].seconds} s", *choices[-1].problems, sep="\n  ", flush=True)
    shutil.rmtree(before["stand_ins"])
    result = {
        "distributions": distributions(tree),
        "processes": PROCESSES,
        "gpu": None,
        "stand_ins_for": before["stand_in_names"],
        "choices": [asdict(one) for one in choices],
    }
    write_reports(result, choices)
    return int(any(one.problems for one in choices))


if __name__ == "__main__":
    sys.exit(main())
