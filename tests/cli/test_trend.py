"""`slimml trend`: what changed, as a table, a document, a picture and an exit code."""

import json
import subprocess

import jsonschema
import pytest
from made_up import make_result, timed

from slimml.history.store import append
from slimml.report.json import schema_text


def night(number, *, size=100_000_000, seconds=2.0, image="app"):
    metrics = {"size/disk_bytes": size, "start/dropped/seconds": timed(seconds * (1 + number % 3 * 0.005))}
    return make_result(number, metrics, image=image, id=f"{image}{number}")


@pytest.fixture
def keep(at_home):
    """Keep results in the history here."""
    return lambda results: append(at_home / "slimml-history", *results)


@pytest.fixture
def grown(keep):
    """Larger since the 11th of 12 nights."""
    keep(night(number, size=100_000_000 if number < 11 else 120_000_000) for number in range(1, 13))


@pytest.fixture
def slower(keep):
    """Slower since the 11th of 14 nights."""
    keep(night(number, seconds=2.0 if number < 11 else 3.0) for number in range(1, 15))


def test_where_nothing_changed_it_says_so(slimml, keep):
    keep(night(number) for number in range(1, 13))
    ended = slimml("trend")
    assert (ended.code, "2 figures without a change" in ended.out) == (0, True)


def test_a_change_is_told_with_its_figure_share_and_commits(slimml, grown):
    said = [line.split() for line in slimml("trend").out.splitlines()]
    at = next(number for number, words in enumerate(said) if words[-1:] == ["size/disk_bytes"])
    assert said[at][1:7] == ["2026-11-11", "100", "MB", "120", "MB", "+20.0"]
    assert said[at + 1] == ["00000000..00000000,", "new"]


def test_what_was_committed_is_told_where_git_knows_it(slimml, keep, at_home):
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for subject in ("Before", "Add torch"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", subject], check=True)
    old, new = subprocess.check_output([*git, "rev-list", "--reverse", "HEAD"], text=True).split()
    keep(make_result(number, {"size/layers": 7 + number}, commit=commit) for number, commit in enumerate((old, new), 1))
    assert f"{new[:7]} Add torch" in slimml("trend").out


def test_larger_since_yesterday_ends_with_13(slimml, grown):
    assert slimml("trend").code == 13


def test_larger_long_ago_ends_with_0(slimml, grown):
    assert slimml("trend", "--recent", "1").code == 0


def test_fail_on_never_ends_with_0(slimml, grown):
    assert slimml("trend", "--fail-on", "never").code == 0


def test_wall_time_alone_ends_with_0(slimml, slower):
    ended = slimml("trend")
    assert (ended.code, "start/dropped/seconds" in ended.out) == (0, True)


def test_unless_it_is_asked_for(slimml, slower):
    assert slimml("trend", "--fail-on", "any").code == 13


def test_smaller_is_no_failure(slimml, keep):
    keep(night(number, size=100_000_000 if number < 11 else 80_000_000) for number in range(1, 13))
    ended = slimml("trend", "--fail-on", "any")
    assert (ended.code, "−20.0 %" in ended.out) == (0, True)


def test_a_tolerance_can_be_given(slimml, grown):
    assert slimml("trend", "--tolerance", "25%").code == 0


@pytest.mark.parametrize("words", ["much", "-1%", "100%", "nan"])
def test_a_tolerance_that_is_no_share_is_refused(slimml, grown, words):
    assert slimml("trend", "--tolerance", words).code == 2


def test_figures_can_be_chosen(slimml, grown):
    assert slimml("trend", "--metric", "start/*").code == 0


def test_an_image_can_be_chosen(slimml, grown, keep):
    keep(night(number, image="other") for number in range(1, 13))
    assert (slimml("trend", "other").code, slimml("trend", "app").code) == (0, 13)


@pytest.mark.parametrize("fixture", ["grown", "slower"])
def test_json_is_what_the_schema_says(slimml, fixture, request):
    request.getfixturevalue(fixture)
    jsonschema.validate(slimml("trend", "--json").json, json.loads(schema_text("trend")))


def test_json_has_the_commits_in_full(slimml, grown):
    found = {one["metric"]["name"]: one for one in slimml("trend", "--json").json["trends"]}
    (change,) = found["size/disk_bytes"]["changes"]
    assert (change["commits"], change["share"]) == ([f"{10:040x}", f"{11:040x}"], pytest.approx(0.2))


def test_a_picture_is_drawn_with_the_budgets_of_the_settings(slimml, grown, at_home):
    pytest.importorskip("matplotlib")
    (at_home / "slimml.toml").write_text('[budgets]\nsize = "110 MB"\n')
    slimml("trend", "--picture", "trend.svg")
    assert "budget 110 MB" in (at_home / "trend.svg").read_text()


def test_names_cannot_steer_the_terminal(slimml, keep):
    keep([make_result(1, image="a\x1b[2J")])
    assert "\x1b[2J" not in slimml("trend").out
