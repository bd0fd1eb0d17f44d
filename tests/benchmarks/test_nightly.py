"""The nights: what is planted is what is found, regressions are told to people, and nothing old is lost."""

import importlib.util
import json
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from made_up import make_result, timed

NIGHTLY = Path(__file__).parents[2] / "benchmarks/nightly"
NAMES = (
    *("planted", "side_by_side", "small_image", "subjects", "one_image", "verdict", "trends_page"),
    *("series_summary", "night_report"),
)


def load(name, known_as=None):
    specification = importlib.util.spec_from_file_location(known_as or name, NIGHTLY / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[known_as or name] = module
    specification.loader.exec_module(module)
    return module


planted, side_by_side, small_image, subjects, one_image, verdict, _, series_summary, night_report = map(load, NAMES)
run, series = load("run", "nightly_run"), load("series")

from slimml.history import store  # noqa: E402
from slimml.history.trends import trends  # noqa: E402


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def made(repository):
    return planted.make_repository(repository)


def measured(made, changed=None):
    """Results of the planted series as they would be on a machine without noise; `changed` adds to a commit's."""
    found, size, seconds = [], 50_000_000, 0.1
    for at, one in enumerate(made):
        size += 20_000_000 * one.commit.plants.get(planted.BYTES, 0)
        seconds += 0.15 * one.commit.plants.get(planted.PROCESSOR, 0)
        metrics = {
            "size/disk_bytes": 2 * size,
            "size/compressed_bytes": size,
            "start/warm/cpu_seconds": seconds * (1 + 0.002 * (at % 3)),
            "start/warm/seconds": timed(2 * seconds),
        }
        metrics |= (changed or {}).get(at, {})
        found.append(make_result(at + 1, metrics, commit=one.id, image=series.IMAGE, suite=series.SUITE))
    return found


def judged(made, results):
    return verdict.judge(made, trends(results))


def test_the_series_has_twelve_commits_at_least_and_three_are_planted(made):
    assert len(made) >= 12
    assert [one.commit.plants for one in made if one.commit.plants] == [
        {planted.BYTES: 1},
        {planted.PROCESSOR: 1},
        {planted.BYTES: -1},
    ]


def test_the_commits_have_the_same_ids_in_every_repository(made, tmp_path):
    assert [one.id for one in planted.make_repository(tmp_path)] == [one.id for one in made]


def test_the_files_of_a_commit_are_those_that_it_has(made, repository):
    names = [set(planted.files_at(repository, made[at].id)) for at in (5, 6, -1)]
    assert "checkpoint.bin" not in names[0]
    assert "checkpoint.bin" in names[1]
    assert "checkpoint.bin" not in names[2]


def test_what_was_planted_and_found_is_right(made):
    found = judged(made, measured(made))
    assert found.right
    assert {(one.metric, one.change.at) for one in found.found} >= {
        ("size/disk_bytes", 6),
        ("start/warm/cpu_seconds", 10),
        ("size/disk_bytes", 14),
    }


def test_a_change_that_nobody_planted_is_told(made):
    found = judged(made, measured(made, {17: {"size/disk_bytes": 500_000_000}}))
    assert not found.right
    assert "Count a version" in found.extra[0]


def test_a_planted_change_that_is_not_found_is_told(made):
    same = {at: {"start/warm/cpu_seconds": 0.1} for at in range(len(made))}
    found = judged(made, measured(made, same))
    assert found.missed == (f"start/warm/cpu_seconds at {made[10].id[:12]} (Know words by their variants)",)


def test_wall_time_that_changes_by_itself_is_shown_and_proves_nothing(made):
    slow = {at: {"start/warm/seconds": timed(9.0)} for at in range(3, 18)}
    found = judged(made, measured(made, slow))
    assert found.right
    assert any(one.metric == "start/warm/seconds" and not one.gates for one in found.found)


def test_the_summary_names_the_planted_commits_and_the_verdict(made, tmp_path):
    assert series.tell(made, measured(made), tmp_path) == 0
    text = (tmp_path / "summary.md").read_text("utf-8")
    assert "**Know words by their variants** (+ processor time)" in text
    assert "**All planted changes were told, at their commits, and no other.**" in text
    assert (tmp_path / "trends.png").stat().st_size > 10_000


def test_a_history_that_does_not_hold_the_series_is_refused(made, tmp_path, capsys):
    assert series.tell(made, measured(made)[:-1], tmp_path) == 2
    assert "does not hold the whole series" in capsys.readouterr().err


def test_the_images_differ_only_by_their_uppermost_layer(tmp_path):
    images = small_image.SmallImages(tmp_path)
    one, two = (images.build(name, {"service.py": name.encode()}) for name in ("one", "two"))
    assert one.layers[0].descriptor == two.layers[0].descriptor
    assert one.layers[1].descriptor != two.layers[1].descriptor


NIGHT = one_image.Night(
    work=Path(),
    commit="c" * 40,
    began="2026-11-01T00:00:00Z",
    host="amd-epyc-2c-32g",
    runtime="auto",
    access=side_by_side.Access(),
    engine=None,
    effort=side_by_side.Effort(1, 0, ()),
)


def nights(count, grown_at, name="demo"):
    """As many nights of an image and its slim one, whose size grows at one of them; the oldest first."""
    found = []
    for number in range(1, count + 1):
        size = 3_000_000 if number >= grown_at else 2_000_000
        for place, (image, bytes_) in enumerate(((name, size), (f"{name}, slim", size // 2))):
            metrics = {"size/disk_bytes": bytes_, "start/warm/cpu_seconds": 0.2}
            one = make_result(number, metrics, image=image, suite=one_image.SUITE)
            found.append(msgspec.structs.replace(one, id=f"{number:08x}{place:08x}"))
    return found


def report(output, tmp_path, results, failures=()):
    store.append(output / "history", *results)
    work = tmp_path / "work"
    work.mkdir()
    return night_report.write_report(output, work, replace(NIGHT, work=work), failures)


def test_a_regression_of_last_night_is_told_with_its_commits(tmp_path):
    worse = report(tmp_path / "out", tmp_path, nights(9, grown_at=9))
    assert {one.trend.line.image for one in worse} == {"demo", "demo, slim"}
    text = (tmp_path / "out/summary.md").read_text("utf-8")
    assert text.startswith("## ❌ 2 figures became worse")
    row = "| demo | size/disk\\_bytes | 2.0 MB | 3.0 MB | +50.0% | `000000000000`…`000000000000` |"
    assert row in text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_regression_is_told_for_four_nights(tmp_path):
    assert report(tmp_path / "a", tmp_path, nights(10, grown_at=7))
    (tmp_path / "work").rename(tmp_path / "earlier")
    assert not report(tmp_path / "b", tmp_path, nights(11, grown_at=7))


def test_a_night_without_a_regression_draws_each_image_beside_its_slim_one(tmp_path):
    assert report(tmp_path / "out", tmp_path, nights(9, grown_at=99)) == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "demo.png",
        "demo.svg",
        "history",
        "summary.md",
        "trends.html",
    ]


def test_what_could_not_be_measured_is_told_first(tmp_path):
    report(tmp_path / "out", tmp_path, nights(2, grown_at=9), ["ocr: the build ended with 1"])
    text = (tmp_path / "out/summary.md").read_text("utf-8")
    assert text.startswith("## ❌ not everything could be measured")
    assert "- **not measured**: ocr: the build ended with 1" in text


def test_names_of_images_are_no_markup(tmp_path):
    worse = report(tmp_path / "out", tmp_path, nights(9, grown_at=9, name="<b>@owner"))
    assert worse
    text = (tmp_path / "out/summary.md").read_text("utf-8")
    assert "<b>" not in text
    assert "@owner" not in text


def test_a_full_disk_leaves_the_report_of_the_night_before(tmp_path):
    old, new = tmp_path / "summary.md", tmp_path / "new.md"
    old.write_text("the night before")
    new.write_bytes(bytes(1 << 20))
    ended = in_another(f"night_report.put(Path({str(new)!r}), Path({str(old)!r}))", file_bytes=1 << 16)
    assert "File too large" in ended.stderr
    assert old.read_text() == "the night before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.md", "summary.md"]


def test_a_second_night_waits_for_the_first_even_if_that_is_killed(tmp_path):
    lock = tmp_path / "lock"
    holding = f"with nightly_run.alone(Path({str(lock)!r})): print('mine', flush=True); input()"
    with started(holding) as first:
        told = first.stdout.readline()
        with started(holding) as second:
            waits = second.stderr.readline()
            first.kill()
            assert told == "mine\n"
            assert waits == "another night runs in this checkout; waiting for it\n"
            assert second.stdout.readline() == "mine\n"
            second.kill()


def program(code):
    loading = "import sys; from pathlib import Path; import run as nightly_run, night_report\n"
    return [sys.executable, "-c", loading + code]


def started(code):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(program(code), text=True, cwd=NIGHTLY, **pipes)


def in_another(code, file_bytes):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    return subprocess.run(program(code), text=True, capture_output=True, cwd=NIGHTLY, preexec_fn=limit, check=False)


def test_what_docker_has_is_left_out_without_it(tmp_path, capsys):
    found = subjects.subjects_of(subjects.PROFILES["quick"], None, side_by_side.Access(), tmp_path)
    assert list(found) == ["small", "demo"]
    assert "onnx-api are left out" in capsys.readouterr().err


@pytest.mark.parametrize("probes", ["probes.toml", "demo.toml"])
def test_probes_can_be_read(probes):
    from slimml.probes.read import read_suite

    assert read_suite(NIGHTLY / probes).probes


def test_every_recipe_of_a_profile_is_there():
    for profile in subjects.PROFILES.values():
        for name in profile.of_docker:
            assert (subjects.RECIPES / name / "probes.toml").exists()


def test_a_document_of_one_image_says_nothing_of_the_others():
    found = [side_by_side.Measurement(side_by_side.Measure.SIZE, image, counters={"disk_bytes": 1})
             for image in (side_by_side.ImageFacts("a", None, 0), side_by_side.ImageFacts("b", None, 1))]  # fmt: skip
    one_run = side_by_side.begin_run(None)
    measured = side_by_side.Measured(one_run, tuple(found), {1: "now"})
    document = measured.document(measured.images[1])
    assert [image["reference"] for image in document["images"]] == ["b"]
    assert document["run"]["began"] == "now"
    assert json.dumps(document)
