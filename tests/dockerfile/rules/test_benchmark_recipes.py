"""The recipes of the benchmarks: what is written for them is what was measured, and linters like it better."""

from functools import cache
from pathlib import Path

import pytest
from hadolint_issues import hadolint, needs_hadolint, worse

from slimml.dockerfile.bases import load_bases
from slimml.dockerfile.build import open_build
from slimml.dockerfile.context import BuildContext
from slimml.dockerfile.fix import chosen_rules, fix
from slimml.dockerfile.rule import Risk

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
RECIPES = sorted([*BENCHMARKS.glob("images/*/Dockerfile"), *BENCHMARKS.glob("dockerfiles/*/Dockerfile")])
LIKELY = chosen_rules(risks=(Risk.SAFE, Risk.LIKELY))


@cache
def mended(recipe):
    bases = load_bases(BENCHMARKS / "dockerfiles" / "bases.toml")
    return fix(open_build(recipe.read_bytes(), BuildContext(recipe.parent), bases), LIKELY)


def test_there_are_six():
    assert len(RECIPES) == 6


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.parent.name)
def test_it_is_parted_into_building_and_running(recipe):
    assert "multi-stage" in mended(recipe).rules


@needs_hadolint
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.parent.name)
def test_hadolint_finds_fewer_issues_and_no_new_error(recipe, tmp_path):
    found = []
    for name, data in (("before", recipe.read_bytes()), ("after", mended(recipe).after)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_bytes(data)
        found.append(hadolint(tmp_path / name))
    assert worse(*found) == (set(), set())
    assert len(found[1]["Dockerfile"]) < len(found[0]["Dockerfile"])
