"""What a careless removal breaks is found by verify, the same with every engine, and nothing else is."""

import pytest

from slimml.verify.verification import Verdict
from slimml.verify.verify import check_against, learn_baseline, reconsider

BROKEN, DIFFERENT, SAME = Verdict.BROKEN, Verdict.DIFFERENT, Verdict.SAME


@pytest.fixture(scope="module")
def baseline(engine, recipe):
    return learn_baseline(engine, recipe.image(), recipe.suite)


@pytest.fixture
def found(engine, baseline, recipe):
    """The verdicts, other than same, that an image without these paths (and with others changed) gets."""

    def act(*without, **more):
        verification = check_against(engine, baseline, recipe.image("slim", without=without, **more))
        _, verification = reconsider(engine, recipe.image(), baseline, verification)
        return {row.probe: row for row in verification.rows if row.verdict is not SAME}

    return act


def verdicts(rows):
    return {name: row.verdict for name, row in rows.items()}


@pytest.mark.parametrize("name", ["library", "data", "lazy", "tls"])
def test_what_an_answer_needs_breaks_that_answer_only(found, recipe, name):
    assert verdicts(found(*recipe.needs[name])) == {name: BROKEN}


def test_without_the_library_the_error_is_told(found, recipe):
    row = found(*recipe.needs["library"])["library"]
    assert any("cannot open shared object file" in difference.slim for difference in row.differences)


def test_without_a_time_zone_the_wrong_clock_is_found_as_well(found, recipe):
    rows = found(*recipe.needs["zone"])
    assert verdicts(rows) == {"zone": BROKEN, "clock": DIFFERENT}
    assert "json:/now" in [difference.part for difference in rows["clock"].differences]


def test_a_wrong_answer_with_status_200_is_found(found):
    rows = found(changed={"opt/app/weights.txt": b"0.5 0.25 0.1251 0.0625\n"})
    assert verdicts(rows) == {"rank": DIFFERENT}
    assert [one.part for one in rows["rank"].differences] == ["json:/scores/2"]


def test_a_wrong_part_beside_those_that_vary_is_found(found, recipe):
    from pathlib import Path

    source = Path(__file__).with_name("odd_service.py").read_bytes()
    rows = found(changed={"opt/app/service.py": source.replace(b'"steady": 7', b'"steady": 8')})
    assert [one.part for one in rows["noisy"].differences] == ["json:/steady"]


def test_an_image_that_never_is_ready_is_broken_throughout(engine, baseline, recipe):
    verification = check_against(engine, baseline, recipe.image("slim", without=("opt/app/service.py",)))
    assert verification.failure
    assert {row.verdict for row in verification.rows if row.probe in ("data", "noisy", "command")} == {BROKEN}


def test_an_image_whose_removals_nobody_needs_is_the_same(found):
    assert found(f"usr/local/lib/{python_version()}/wave.py") == {}


def python_version():
    from slimml.demo.this_python import VERSION

    return VERSION
