"""On a machine with an NVIDIA GPU: does the installed torch compute the same once it is trimmed to this GPU?

    python benchmarks/native/on_gpu.py [--work DIR] [--rounds N] [--permissive-only]
    python benchmarks/native/on_gpu.py --device cpu --targets sm_90      (tries this program where there is no GPU)

Run it with a Python that has torch (its CUDA build, from wheels) and slimml. The directory torch is installed in is
copied with hard links, the copy is trimmed to the GPU's architecture, and both run the same work in fresh processes,
A B B A: matrix products, convolution, attention, cuFFT, cuSOLVER, cuSPARSE, random numbers, an all-reduce of NCCL, a
compiled function, steps of a small transformer. Results are compared bit for bit, else by their largest difference;
times are medians of warm calls. Nothing installed is changed; the copy goes at the end. Writes reports/native-gpu.json
and reports/native-gpu.md. Exit code 0 when all results agree, 1 when not, 5 when there is no GPU.
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

REPORTS = Path(__file__).resolve().parents[2] / "reports"
CLOSE = 1e-3
"""the largest relative difference of results that are not the same bit for bit: another kernel may be chosen"""
WARM, TIMED = 3, 10
"""calls before the time is taken, and calls whose time is taken; on the processor, a mere trial, none and one"""


def work(device: str, results: Path) -> None:
    """Do every task in this process; prints one JSON line, writes the results as arrays."""
    import numpy
    import torch

    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    told: dict[str, object] = {"torch": torch.__version__, "from": torch.__file__, "tasks": {}}
    on_gpu = device == "cuda"
    if on_gpu:
        told |= {"device": torch.cuda.get_device_name(), "capability": torch.cuda.get_device_capability()}
    arrays = {}
    for name, make in tasks(torch, device).items():
        try:
            arrays[name], told["tasks"][name] = timed(torch, make, on_gpu)
        except Exception as error:  # a failed task is a result, whatever failed
            told["tasks"][name] = {
                "error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            }
    if on_gpu:
        free, total = torch.cuda.mem_get_info()
        told["gpu_used"] = total - free
    told["libraries"] = sorted(
        {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if ".so" in line}
    )
    numpy.savez(results, **arrays)
    print(json.dumps(told))


def timed(torch: Any, make: Callable[[], Callable[[], Any]], on_gpu: bool) -> tuple[Any, dict[str, float]]:
    """The result of a task, and what it took: seconds of the first call and of a warm one, peak bytes on the GPU."""
    wait = torch.cuda.synchronize if on_gpu else (lambda: None)
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    task = make()
    took = []
    warm, timed_calls = (WARM, TIMED) if on_gpu else (0, 1)
    for _ in range(1 + warm + timed_calls):
        started = time.perf_counter()
        result = task()
        wait()
        took.append(time.perf_counter() - started)
    peak = torch.cuda.max_memory_allocated() if on_gpu else 0
    seconds = {"first": took[0], "warm": statistics.median(took[1 + warm :])}
    return result.detach().float().cpu().numpy(), seconds | {"gpu_bytes": peak}


def tasks(torch: Any, device: str) -> dict[str, Callable[[], Callable[[], Any]]]:
    """Each makes its inputs, seeded, and returns a function of the same result at every call."""
    functional = torch.nn.functional

    def random(*shape: int, dtype: Any = torch.float32, seed: int = 1):
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(device, dtype)

    def product(dtype: Any):
        a, b = random(1024, 1024, dtype=dtype), random(1024, 1024, dtype=dtype, seed=2)
        return lambda: a @ b

    def convolution():
        x, weight = random(8, 64, 56, 56), random(128, 64, 3, 3, seed=2)
        return lambda: functional.conv2d(x, weight, padding=1)

    def attention():
        q, k, v = (random(4, 8, 512, 64, dtype=torch.bfloat16, seed=seed) for seed in (1, 2, 3))
        return lambda: functional.scaled_dot_product_attention(q, k, v, is_causal=True)

    def fourier():
        x = random(64, 4096)
        return lambda: torch.fft.irfft(torch.fft.rfft(x) * 2)

    def fourier_of_odd_length():
        x = random(16, 1009 * 3)
        return lambda: torch.fft.fft(x).abs()

    def solve():
        a, b = random(512, 512) + 64 * torch.eye(512, device=device), random(512, 8, seed=2)
        return lambda: torch.linalg.solve(a, b)

    def eigenvalues():
        a = random(256, 256)
        return lambda: torch.linalg.eigvalsh(a + a.T)

    def singular_values():
        a = random(256, 128)
        return lambda: torch.linalg.svdvals(a)

    def sparse():
        a = random(2048, 2048)
        a = torch.where(a.abs() > 2, a, 0).to_sparse_csr()
        b = random(2048, 64, seed=2)
        return lambda: a @ b

    def numbers():
        def draw():
            generator = torch.Generator(device).manual_seed(7)
            uniform = torch.rand(1 << 20, device=device, generator=generator)
            return uniform + torch.randn(1 << 20, device=device, generator=generator)

        return draw

    def reduced():
        import torch.distributed as distributed

        place = tempfile.mkdtemp(dir=Path.cwd())
        backend = "nccl" if device == "cuda" else "gloo"
        distributed.init_process_group(backend, init_method=f"file://{place}/store", rank=0, world_size=1)
        x = random(1 << 20)

        def reduce():
            y = x.clone()
            distributed.all_reduce(y)
            return y

        return reduce

    def compiled():
        x = random(1024, 1024)
        function = torch.compile(lambda a: functional.gelu(a).softmax(-1) * a.sin())
        return lambda: function(x)

    def model():
        torch.manual_seed(3)
        layer = torch.nn.TransformerEncoderLayer(128, 4, 256, dropout=0.0, batch_first=True)
        net = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).to(device)
        start = {name: value.clone() for name, value in net.state_dict().items()}
        x = random(8, 64, 128)

        def steps():
            net.load_state_dict(start)
            optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
            for _ in range(3):
                optimizer.zero_grad()
                net(x).square().mean().backward()
                optimizer.step()
            return net(x)

        return steps

    kinds = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    products = {f"matmul {name}": partial(product, kind) for name, kind in kinds.items()}
    rest = (
        convolution,
        attention,
        fourier,
        fourier_of_odd_length,
        solve,
        eigenvalues,
        singular_values,
        sparse,
        numbers,
    )
    named = {one.__name__.replace("_", " "): one for one in rest}
    return products | named | {"all-reduce": reduced, "torch.compile": compiled, "transformer steps": model}


def trim(targets: tuple[int, ...], path: Path) -> tuple[int, int]:
    """Bytes of a file before and after it was trimmed in its place."""
    from slimml.native.trim import trim_file

    before = path.stat().st_size
    trim_file(path, path, targets)
    return before, path.stat().st_size


def trimmed_copy(site: Path, copy: Path, targets: tuple[int, ...], *, permissive_only: bool) -> dict[str, float]:
    """Make the copy; its native bytes before and after, and the seconds that the trimming took."""
    from slimml.native.licence import file_licences

    subprocess.run(["cp", "-al", site, copy], check=True)
    licences = file_licences(copy) if permissive_only else {}
    files = []
    for path in copy.rglob("*"):
        name = str(path.relative_to(copy))
        if ".so" not in path.name or not path.is_file() or path.is_symlink():
            continue
        if not permissive_only or (name in licences and licences[name].may_be_changed):
            files.append(path)
    started = time.monotonic()
    with ProcessPoolExecutor() as pool:
        sizes = list(pool.map(partial(trim, targets), sorted(files, key=lambda path: -path.stat().st_size)))
    seconds = time.monotonic() - started
    return {"before": sum(a for a, _ in sizes), "after": sum(b for _, b in sizes), "seconds": round(seconds, 1)}


def ask(site: Path, device: str, results: Path) -> dict[str, object]:
    """Run the work with the packages of one directory."""
    environment = os.environ | {"PYTHONPATH": str(site), "CUDA_CACHE_DISABLE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    caches = results.with_suffix(".caches")
    environment |= {"TORCHINDUCTOR_CACHE_DIR": str(caches / "inductor"), "TRITON_CACHE_DIR": str(caches / "triton")}
    command = [sys.executable, __file__, "--work-here", str(results), "--device", device]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=results.parent, check=False)
    shutil.rmtree(caches, ignore_errors=True)
    if ended.returncode:
        raise SystemExit(f"the work with {site} ended with {ended.returncode}: {ended.stderr.strip()[-500:]}")
    told = json.loads(ended.stdout.splitlines()[-1])
    if not Path(told["from"]).is_relative_to(site):
        raise SystemExit(f"torch came from {told['from']}, not from {site}")
    names = {path.name for path in site.rglob("*.so*")}
    outside = [one for one in told["libraries"] if Path(one).name in names and not Path(one).is_relative_to(site)]
    if outside:
        raise SystemExit(f"libraries that {site} has came from elsewhere: {', '.join(outside)}")
    return told


def agreement(before: Path, after: Path) -> dict[str, str]:
    """Of every task whether the results are the same, and if not, their largest relative difference."""
    import numpy

    was, now = numpy.load(before), numpy.load(after)
    said = {}
    for name in was.files:
        if name not in now.files:
            said[name] = "missing"
        elif numpy.array_equal(was[name], now[name], equal_nan=True):
            said[name] = "identical"
        else:
            off = float(numpy.abs(was[name] - now[name]).max() / max(float(numpy.abs(was[name]).max()), 1e-30))
            said[name] = f"off by {off:.1e}" + ("" if off <= CLOSE else ", too much")
    return said


def table(result: dict[str, object]) -> str:
    """The page about a run."""
    size = result["size"]
    lines = [
        f"# A trimmed torch on {result['device']}\n\n",
        f"torch {result['torch']}, trimmed to {result['targets']} in {size['seconds']} s: native files of "
        f"{size['before'] / 1e6:.0f} MB → {size['after'] / 1e6:.0f} MB. "
        f"`python benchmarks/native/on_gpu.py`, {result['rounds']} rounds A B B A.\n\n",
        "| task | result | first call, s | trimmed | warm, ms | trimmed | GPU memory, MB | trimmed |\n",
        "|---|---|---:|---:|---:|---:|---:|---:|\n",
    ]
    for name, one in result["tasks"].items():
        if "error" in one:
            lines.append(f"| {name} | {one['error']} | | | | | | |\n")
            continue
        cells = [f"{one[key][side] * factor:.{digits}f}" for key, factor, digits in
                 (("first", 1, 2), ("warm", 1e3, 3), ("gpu_bytes", 1e-6, 0)) for side in (0, 1)]  # fmt: skip
        lines.append(f"| {name} | {one['result']} | {' | '.join(cells)} |\n")
    used = result["gpu_used"]
    return "".join([*lines, f"| all in one process | | | | | | {used[0] / 1e6:.0f} | {used[1] / 1e6:.0f} |\n"])


def gathered(runs: dict[str, list[dict[str, object]]], said: dict[str, str]) -> dict[str, dict[str, object]]:
    """Of every task the medians before and after."""
    found: dict[str, dict[str, object]] = {}
    for name in runs["before"][0]["tasks"]:
        of = {side: [one["tasks"][name] for one in runs[side]] for side in ("before", "after")}
        errors = {side: next((one["error"] for one in of[side] if "error" in one), None) for side in of}
        if any(errors.values()):
            same = errors["before"] == errors["after"]
            found[name] = {"error": f"{'alike before and after' if same else 'DIFFERS'}: {errors}", "agrees": same}
            continue
        found[name] = {"result": said[name], "agrees": said[name] != "missing" and "too much" not in said[name]}
        for key in ("first", "warm", "gpu_bytes"):
            found[name][key] = [statistics.median(one[key] for one in of[side]) for side in ("before", "after")]
    return found


def main() -> int:
    """Trim a copy, run both, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="a directory on the file system of the installed torch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--permissive-only", action="store_true", help="leave NVIDIA's own libraries as they are")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--targets", default="host")
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--work-here", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work_here:
        work(options.device, options.work_here)
        return 0
    from slimml.errors import SlimmlError
    from slimml.native.architectures import names_of, parse_targets

    try:
        targets = parse_targets(options.targets)
    except SlimmlError as error:
        print(f"no GPU: {error}", file=sys.stderr)
        return error.exit_code
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        print("torch is not installed for this Python", file=sys.stderr)
        return 3
    site = Path(spec.origin).resolve().parents[1]
    with tempfile.TemporaryDirectory(dir=options.work or site.parent, prefix="trimmed-") as place:
        copy = Path(place) / site.name
        size = trimmed_copy(site, copy, targets, permissive_only=options.permissive_only)
        runs: dict[str, list[dict[str, object]]] = {"before": [], "after": []}
        for number in range(options.rounds):
            for side in ("before", "after") if number % 2 == 0 else ("after", "before"):
                runs[side].append(ask(site if side == "before" else copy, options.device, Path(place) / f"{side}.npz"))
        said = agreement(Path(place) / "before.npz", Path(place) / "after.npz")
    first = runs["before"][0]
    result: dict[str, object] = {
        "device": first.get("device", "no GPU: the processor"),
        "torch": first["torch"],
        "targets": names_of(targets),
        "rounds": options.rounds,
        "size": size,
        "tasks": gathered(runs, said),
        "gpu_used": [max(one.get("gpu_used", 0) for one in runs[side]) for side in ("before", "after")],
    }
    (options.reports / "native-gpu.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.reports / "native-gpu.md").write_text(table(result))
    print(table(result))
    return int(not all(one["agrees"] for one in result["tasks"].values()))


if __name__ == "__main__":
    sys.exit(main())
