"""The report of a benchmark: a table for a person, a document for programs, a picture."""

import io
import json

import jsonschema
import pytest
from rich.console import Console

from slimml.bench.host_facts import GpuFacts, HostFacts, Load
from slimml.bench.results import ImageFacts, Measure, Measurement, Run
from slimml.bench.summary import summarize
from slimml.engine.container import EngineFacts
from slimml.errors import UsageError
from slimml.report.bench import BenchReport, render_bench
from slimml.report.bench_picture import draw_bench
from slimml.report.json import document, schema_text, write

GPU = GpuFacts("NVIDIA X", 80 << 30, "550", "9.0", False)
HOST = HostFacts("Chip 9", ("avx2",), "x86_64", 2, None, "", 8 << 30, "6.1", "Debian", (GPU,))
RUN = Run("a1", "2024-01-01T00:00:00Z", "0.1", HOST, "slimml.toml")
IMAGES = (ImageFacts("app:1", "sha256:1"), ImageFacts("app:1-slim", "sha256:2", 1))
ENGINE = EngineFacts("docker", "20.10", "overlay2", False, "runc")
QUIET = Load(0.1, 0.0, 0.0, 0.0)


def measured():
    found = []
    for image, factor in zip(IMAGES, (1.0, 0.5), strict=True):
        counters = {"disk_bytes": int(2e9 * factor), "layers": 3, "files": 100, "largest_layer_share": 0.5}
        found.append(Measurement(Measure.SIZE, image, counters={**counters, "compressed_bytes": int(8e8 * factor)}))
        for number in range(3):
            more = {"engine": ENGINE, "round": number, "load_before": QUIET, "load_after": QUIET}
            seconds = factor * (10 + number / 10)
            found.append(Measurement(Measure.PULL, image, {"pull": seconds}, {"wire_bytes": 5}, link="1gbit", **more))
            phases = {"create": 0.1, "start": 0.2 * factor, "ready": 3 * factor, "first answer": 0.05}
            found.append(Measurement(Measure.START, image, phases, page_cache="dropped", **more))
            own = {"interpreter": 0.1, "imports": 2.0 * factor}
            costs = {"import numpy": 0.4 * factor, "import torch": 1.5 * factor}
            found.append(Measurement(Measure.PYTHON, image, own, costs, page_cache="dropped", **more))
    return found


@pytest.fixture
def rows():
    return measured()


def report_of(rows):
    return BenchReport(RUN, ENGINE, IMAGES, summarize(rows))


def shown(rows):
    stream = io.StringIO()
    render_bench(report_of(rows), Console(file=stream, width=160, color_system=None))
    return stream.getvalue()


def line_of(text, begin):
    return next(line for line in text.splitlines() if line.strip().startswith(begin)).split()


def test_the_host_and_the_engine_are_named(rows):
    assert shown(rows).splitlines()[:2] == [
        "Chip 9, 2 processors, 8.59 GB of memory, NVIDIA X, Debian, kernel 6.1",
        "docker 20.10 overlay2 runc",
    ]


def test_sizes_stand_side_by_side_with_their_ratio(rows):
    assert line_of(shown(rows), "on disk") == ["on", "disk", "2.00", "GB", "1.00", "GB", "0.50"]


def test_pulls_have_intervals_and_a_ratio(rows):
    line = " ".join(line_of(shown(rows), "1gbit"))
    assert line == "1gbit 10.10 s (10.00–10.20) 5.05 s (5.00–5.10) 0.50 (0.50–0.50)"


def test_phases_stand_in_their_order(rows):
    text = shown(rows)
    places = [text.index(f"\n  {name}") for name in ("create", "start", "ready", "first answer", "together")]
    assert places == sorted(places)


def test_the_dearest_import_comes_first(rows):
    text = shown(rows)
    assert text.index("import torch") < text.index("import numpy")


def test_noise_is_said(rows):
    busy = Measurement(Measure.PULL, IMAGES[0], {"pull": 1.0}, link="x", load_before=Load(9.0, 0.9, 0.2, None))
    assert "noisy host: the hypervisor took up to 20%" in shown([*rows, busy])


def test_failures_are_said_by_the_image_s_letter(rows):
    died = Measurement(Measure.START, IMAGES[1], page_cache="dropped", round=9, failure="it \x1b[31mdied")
    assert "B failed: it \\x1b[31mdied" in shown([*rows, died])


def test_a_quiet_host_gives_no_warning(rows):
    assert "noisy" not in shown(rows)


def test_the_json_is_what_the_schema_says(rows):
    stream = io.StringIO()
    write(document("bench", report_of(rows)), stream)
    jsonschema.validate(json.loads(stream.getvalue()), json.loads(schema_text("bench")))


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_picture_is_drawn(rows, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    draw_bench(report_of(rows), rows, tmp_path / f"bench{suffix}")
    assert (tmp_path / f"bench{suffix}").stat().st_size > 2000


def test_the_picture_names_images_and_the_gain(rows, tmp_path):
    pytest.importorskip("matplotlib")
    draw_bench(report_of(rows), rows, tmp_path / "bench.svg")
    text = (tmp_path / "bench.svg").read_text()
    assert all(words in text for words in ("app:1-slim", "pull over 1gbit", "of the time ("))


def test_a_picture_of_nothing_is_refused(tmp_path):
    with pytest.raises(UsageError):
        draw_bench(report_of([]), [], tmp_path / "bench.svg")
