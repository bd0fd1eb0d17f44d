"""The benchmark of change points: its series are what they say, and its judgement is."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks/history"


def module(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


nights, power = module("nights"), module("power")


@pytest.mark.parametrize("noise", nights.NOISES, ids=lambda noise: noise.name)
def test_the_same_seed_makes_the_same_nights(noise):
    first, again = (nights.series(noise, np.random.default_rng(1), 20) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(("name", "share"), [("2 %", 0.02), ("5 %", 0.05), ("drifting", 0.02)])
def test_the_noise_is_as_large_as_it_says(name, share):
    (noise,) = [noise for noise in nights.NOISES if noise.name == name]
    assert np.std(noise.make(np.random.default_rng(1), 5000)) == pytest.approx(share, rel=0.05)


def test_a_step_begins_at_its_night():
    values = nights.series(nights.Noise("none", "", nights.medians(0.0)), np.random.default_rng(1), 6, 0.1, 4)
    assert [value / values[0] for value in values] == pytest.approx([1, 1, 1, 1, 1.1, 1.1])


def test_a_step_is_told_with_its_third_night():
    values = [1.0, 1.01] * 10 + [1.5] * 5
    assert power.nights_until(values, 20) == 2


def test_what_is_never_told_is_never_told():
    assert power.nights_until([1.0, 1.01] * 10, 10) is None


def test_half_of_them_never_told_have_no_median():
    assert (power.median_of([2, None, None]), power.median_of([2, 3, None])) == (None, 3)


def test_results_are_written_and_the_bar_is_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(power, "NOISES", nights.NOISES[:1])
    assert power.main(["--series", "3", "--nights", "30", "--step", "0.5", "--output", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "history-statistics.json").read_text())
    assert written["noises"][0]["found"] == 1.0
    assert "| 2 % | " in (tmp_path / "history-statistics.md").read_text()
