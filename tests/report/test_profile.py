"""A profile is printed, drawn, and written as its schema says."""

import io
import json

import jsonschema
import pytest
from rich.console import Console

from slimml.bench.import_times import Cost
from slimml.bench.page_cache import Coldness, Cooling
from slimml.bench.start import StartPhases
from slimml.engine.container import EngineFacts
from slimml.errors import UsageError
from slimml.report.json import document, schema_text, write
from slimml.report.profile import ProfileReport, render_profile, start_report
from slimml.report.profile_picture import draw_profile
from slimml.startup.advice import Advice, Topic
from slimml.startup.import_tree import Node
from slimml.startup.notes import Notes
from slimml.startup.profile import Phase, StartProfile
from slimml.startup.timeline import Segment
from slimml.startup.touched import Library, Touched


@pytest.fixture
def profile():
    start = StartPhases("rank", {"create": 0.1, "ready": 0.9}, Cooling(Coldness.DROPPED), 5.0, second_answer=0.01)
    node = Node("numpy", "numpy", 0.4, 0.5, 0.3, 5.2)
    node.children.append(Node("numpy.core", "numpy", 0.1, 0.1, 0.1, 5.3, within=node))
    return StartProfile(
        start=start,
        phases=(Phase("create", 0.1, 0.1, None), Phase("imports", 0.5, 0.5, 0.3), Phase("unexplained", 0.4, 0.4, 0.1)),
        segments=(Segment(5.0, 5.1, "create"), Segment(5.1, 5.6, "imports"), Segment(5.6, 6.0, "unexplained")),
        imports=(node,),
        costs=(Cost("numpy", 0.5, 0.5, 2),),
        touched=Touched(3, 1000, (Library("/lib/libc.so.6", "debian:libc6", 2000, 1000),), 4096, 2, 8192, 2, 100_000),
        notes=Notes(),
        seen=None,
        first_inference=0.2,
        second_inference=0.1,
        unseen=("its threads",),
    )


@pytest.fixture
def report(profile):
    advice = Advice(Topic.SLOW_IMPORT, "importing [red]x takes 0.20 s", 0.2, "/x.py", "do it later", ("app", "x"))
    facts = EngineFacts("docker", "20.10", "overlay2", False, "runc")
    return ProfileReport("a:1", "rank", facts, (start_report(profile),), 0.8, (advice,), False)


@pytest.fixture
def printed(report):
    out = io.StringIO()
    render_profile(report, Console(file=out, width=120))
    return out.getvalue()


def test_the_json_is_what_the_schema_says(report):
    out = io.StringIO()
    write(document("profile", report), out)
    jsonschema.validate(json.loads(out.getvalue()), json.loads(schema_text("profile")))


def test_phases_stand_with_their_share_and_wait(printed):
    assert "imports       0.50 s  50.0 %  0.30 s  0.20 s" in printed


def test_what_is_not_known_is_left_empty(printed):
    assert "create        0.10 s  10.0 %" in [line.strip() for line in printed.splitlines()]


def test_words_of_the_image_are_no_markup(printed):
    assert "importing [red]x takes 0.20 s" in printed


def test_the_chain_of_an_import_is_told(printed):
    assert "by app → x" in printed


def test_pages_and_libraries_are_told(printed):
    assert "8.2 kB of 100.0 kB came from the disk: 2 files, 2 pages" in printed
    assert "1 shared object loaded" in printed


def test_what_was_not_seen_is_told(printed):
    assert "not seen: its threads" in printed


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_waterfall_is_drawn(profile, tmp_path, suffix):
    draw_profile("a:1", [profile, profile], tmp_path / f"start{suffix}")
    assert (tmp_path / f"start{suffix}").stat().st_size > 2000


def test_the_waterfall_names_phases(profile, tmp_path):
    draw_profile("a:1", [profile], tmp_path / "start.svg")
    assert "unexplained" in (tmp_path / "start.svg").read_text()


def test_another_kind_of_picture_is_refused(profile, tmp_path):
    with pytest.raises(UsageError, match=r"\.svg or \.png"):
        draw_profile("a:1", [profile], tmp_path / "start.gif")
