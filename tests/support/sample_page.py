"""Pages for tests: every section filled, of an image with as many files as a test wants."""

import sysconfig
from itertools import islice
from pathlib import Path

import numpy as np
from inventories import Row, build_inventory, make_finding

from slimml.bench.host_facts import HostFacts, Load
from slimml.bench.results import ImageFacts, Measure, Measurement, Run
from slimml.bench.summary import summarize
from slimml.bloat.finding import Action, Risk
from slimml.engine.container import EngineFacts
from slimml.inventory.owner import APPLICATION, Owner, System
from slimml.oci.digest import sha256
from slimml.report.bench import BenchReport
from slimml.report.build_analysis import analyse
from slimml.report.html.done import done_part
from slimml.report.html.files import files_of
from slimml.report.html.page import Page
from slimml.report.html.startup import StartTree
from slimml.report.html.trends import TrendChange, TrendLine, TrendPoint
from slimml.report.html.waiting import waiting_part
from slimml.report.optimized import OptimizedReport, Side
from slimml.report.plan import PlanReport, PlanStep
from slimml.report.proof import ProbeReport, ProofReport
from slimml.report.receipt import ReceiptReport
from slimml.slim.ledger import Done, LedgerEntry

FORMS = {".py": "python", ".pyc": "bytecode", ".so": "elf-shared", ".txt": "text", ".h": "header", ".json": "json"}
COMMANDS = (
    "/bin/sh -c #(nop) ADD file:5c1d in / ",
    "RUN /bin/sh -c pip install torch transformers # buildkit",
    "RUN /bin/sh -c apt-get update && apt-get install -y build-essential # buildkit",
    "COPY . /app # buildkit",
)


def real_names(count):
    """`count` paths below this Python's packages with their sizes, repeated below other roots as often as needed."""
    root = Path(sysconfig.get_paths()["purelib"])
    found = [(str(path.relative_to(root)), path.stat().st_size) for path in sorted(root.rglob("*")) if path.is_file()]
    turns = (("" if turn == 0 else f"env{turn}/", path, size) for turn in range(count) for path, size in found)
    return [(f"{above}site-packages/{path}", size) for above, path, size in islice(turns, count)]


def big_inventory(count):
    """`count` files with real names in four layers, each package its owner's; a fifth of it in findings."""
    names = real_names(count)
    known = {}
    rows = [[], [], [], []]
    for index, (path, size) in enumerate(names):
        package = path.split("site-packages/")[1].split("/")[0].split("-")[0].removesuffix(".py")
        owner = known.setdefault(package, len(known) + 1)
        form = FORMS.get(Path(path).suffix, "other")
        rows[min(3, index * 4 // count)].append(Row(f"usr/lib/python3/{path}", size, form=form, owner=owner))
    systems = (System.PYTHON, System.PYTHON, System.DPKG, System.PYTHON)
    owners = [APPLICATION, *(Owner(systems[n % 4], name, "1.0") for name, n in known.items())]
    inventory = build_inventory(*rows, owners=owners, commands=COMMANDS)
    forms = inventory.table["form"].to_pylist()
    of_form = {form: [row for row, it in enumerate(forms) if it == form] for form in set(forms)}
    findings = [
        make_finding(inventory, of_form.get("bytecode", []), rule="bytecode", title="Bytecode that Python makes again"),
        make_finding(inventory, of_form.get("header", []), rule="headers", title="C headers", risk=Risk.LIKELY),
        make_finding(
            inventory, of_form.get("text", []), rule="docs", title="Documentation", risk=Risk.ASK, action=Action.TELL
        ),
    ]
    return inventory, findings


def ledger_of(inventory, finding):
    """An entry for each row of a finding."""
    layers, sizes = inventory.layer.tolist(), inventory.column("size").tolist()
    for row in finding.rows.tolist():
        yield LedgerEntry(
            layer=layers[row], path=inventory.paths[row], kind="file", size=sizes[row], mode=0o644, uid=0, gid=0,
            mtime=0, link="", live=True, done=Done.DROPPED, rule=finding.rule, risk=finding.risk.value,
            reason=finding.reason,
        )  # fmt: skip


def optimized(inventory, less):
    """A report on a run that took `less` bytes away."""
    whole = inventory.disk_bytes
    proof = ProofReport(
        "docker", "20.10", "slimml.toml", (ProbeReport("GET /health", ()), ProbeReport("POST /predict", ("date",))),
        ("GPUs: the container had none",), 1, 0, (),
    )  # fmt: skip
    return OptimizedReport(
        image=str(inventory.image.reference),
        result=ReceiptReport("docker-daemon:app:1-slim", sha256(b"result"), 10, 0),
        before=Side(whole, whole // 3, whole, 4, 1000),
        after=Side(whole - less, (whole - less) // 3, whole - less, 4, 800),
        plain=False,
        ledger="app.ledger.json",
        ledger_digest=sha256(b"ledger"),
        removed=None,
        verified=True,
        verification="verified, after 1 rewrite: 2 probes answered as the original does (docker 20.10)",
        proof=proof,
    )


def plan_of(inventory, finding):
    """The plan that removes one finding."""
    step = PlanStep(finding.rule, finding.risk, finding.reason, len(finding.rows), 0, 0, finding.disk_bytes,
                    finding.compressed_bytes)  # fmt: skip
    return PlanReport(
        image="app:1", destination="app:1-slim", level="safe", image_disk_bytes=inventory.disk_bytes,
        image_compressed_bytes=inventory.compressed_bytes, steps=(step,), disk_bytes=finding.disk_bytes,
        compressed_bytes=finding.compressed_bytes, notes=("one note",), dangling=(), kept=(),
    )  # fmt: skip


def waiting():
    """Two images, measured over two links."""
    host = HostFacts("Chip 9", ("avx2",), "x86_64", 2, None, "", 8 << 30, "6.1", "Debian", ())
    run = Run("a1", "2026-11-23T00:00:00Z", "0.1", host, "slimml.toml")
    images = (
        ImageFacts("registry.example/app:1", "sha256:1"),
        ImageFacts("registry.example/app:1-slim", "sha256:2", 1),
    )
    engine, quiet = EngineFacts("docker", "20.10", "overlay2", False, "runc"), Load(0.1, 0.0, 0.0, 0.0)
    found = []
    for image, factor in zip(images, (1.0, 0.45), strict=True):
        found.append(Measurement(Measure.SIZE, image, counters={"disk_bytes": int(2e9 * factor), "layers": 3}))
        for turn in range(5):
            more = {"engine": engine, "round": turn, "load_before": quiet, "load_after": quiet}
            for link, seconds in (("1gbit", 11.0), ("100mbit+10ms", 92.0)):
                found.append(
                    Measurement(Measure.PULL, image, {"pull": factor * (seconds + turn / 4)}, link=link, **more)
                )
            phases = {"create": 0.12, "start": 0.2, "ready": 3.4 * factor + turn / 20, "first answer": 0.09}
            found.append(Measurement(Measure.START, image, phases, page_cache="dropped", **more))
    return waiting_part(BenchReport(run, engine, images, summarize(found)), found)


def import_tree(depth=5, seed=7):
    """A tree of imports whose numbers are the same each time."""
    random = np.random.default_rng(seed)
    names = ("torch", "numpy", "transformers", "fastapi", "pydantic", "scipy")

    def node(name, level):
        inner = [node(f"{name}.m{n}", level + 1) for n in range(int(random.integers(0, 5)))] if level < depth else []
        own = float(random.exponential(0.02))
        return {"name": name, "own": own, "total": own + sum(one["total"] for one in inner), "children": inner}

    packages = [node(name, 1) for name in names]
    return {"name": "serve.py", "own": 0.1, "total": 0.1 + sum(one["total"] for one in packages), "children": packages}


def trends():
    """Size and start over 24 nights, the start with a step."""
    sizes, starts = [], []
    for night in range(24):
        when, commit = f"2026-11-{night + 1:02}T03:00:00Z", f"c0ffee{night:02}"
        sizes.append(TrendPoint(when, 9e8 + night * 1e6, 9e8 + night * 1e6, 9e8 + night * 1e6, commit))
        middle = (3.1 if night < 15 else 4.0) + 0.05 * ((night * 7) % 5)
        starts.append(TrendPoint(when, middle, middle - 0.15, middle + 0.2, commit))
    step = TrendChange(15, "+29 % since c0ffee15 (2026-11-16): 3.2 s became 4.1 s")
    return (
        TrendLine("app, on disk", "bytes", tuple(sizes), budget=1e9),
        TrendLine("app, cold start", "seconds", tuple(starts), (step,)),
    )


def whole_page(count, title="registry.example/team/app:1"):
    """A page with every section, of an image with `count` files."""
    inventory, findings = big_inventory(count)
    first = findings[0]
    tree = import_tree()
    phases = {"create": 0.1, "start": 0.2, "imports": tree["total"], "model": 1.1, "first answer": 0.1}
    report = optimized(inventory, first.disk_bytes)
    return Page(
        title=title,
        analysis=analyse(inventory, findings, 20),
        files=files_of(inventory, findings),
        done=done_part(inventory, report, plan_of(inventory, first), ledger_of(inventory, first)),
        waiting=waiting(),
        startup=(StartTree("app:1", phases, tree),),
        trends=trends(),
    )
