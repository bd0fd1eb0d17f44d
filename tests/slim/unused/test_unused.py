"""What a closure does not keep goes: whole packages with what records them, single files with their place in a list."""

import json
import random

import pytest
from layered_image import finding, root_of
from used_image import INFO, SITE, STATUS, closure_of, owner_of, recording_of

from slimml.bloat.finding import Action, Risk
from slimml.errors import Refused
from slimml.slim.options import Level, Options
from slimml.slim.plan import Kept
from slimml.slim.planning import make_plan
from slimml.slim.unused import findings_by_use, unused_findings, used_rows
from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation

GIT = ("usr/bin/git", f"{INFO}/git.list")
PERL = ("usr/bin/perl", "usr/share/perl/x.pm")
FILES = {"git": ("usr/bin/git",), "perl": PERL, "libc": ("lib/libc.so", "lib/libm.so")}
BLACK = (f"{SITE}/black/main.py", f"{SITE}/black-1.dist-info/METADATA", f"{SITE}/black-1.dist-info/RECORD")


def test_a_package_of_which_nothing_is_kept_is_gone_from_the_status_file(slim_unused):
    root = root_of(slim_unused(*GIT).image)
    assert b"Package: git" not in root[STATUS][1]
    assert b"Package: perl" in root[STATUS][1]


def test_what_records_a_package_that_goes_goes_even_if_the_closure_keeps_it(slim_unused):
    assert f"{INFO}/git.list" not in root_of(slim_unused("usr/bin/git").image)


def test_a_package_goes_although_one_that_stays_requires_it(slim_unused):
    root = root_of(slim_unused(*PERL).image)
    assert b"Package: perl" not in root[STATUS][1]
    assert "usr/bin/git" in root


def test_a_package_of_which_a_file_is_kept_is_still_in_the_status_file_and_lists_what_is_left(slim_unused):
    root = root_of(slim_unused("usr/share/perl/x.pm").image)
    assert b"Package: perl" in root[STATUS][1]
    assert root[f"{INFO}/perl.list"][1] == b"/usr/bin/perl\n"


def test_a_distribution_of_which_nothing_is_kept_leaves_no_directory_to_import(slim_unused):
    assert not [path for path in root_of(slim_unused(*BLACK, f"{SITE}/black").image) if "black" in path]


def test_a_distribution_that_stays_records_what_is_left(slim_unused):
    root = root_of(slim_unused(f"{SITE}/numpy/testing.py").image)
    assert b"numpy/testing.py" not in root[f"{SITE}/numpy-1.dist-info/RECORD"][1]
    assert b"numpy/core.py" in root[f"{SITE}/numpy-1.dist-info/RECORD"][1]


def test_a_layer_that_loses_nothing_keeps_its_blob(slim_unused, image):
    slimmed = slim_unused("srv/notes.txt")
    assert [layer.diff_id for layer in slimmed.image.layers][:2] == [layer.diff_id for layer in image.layers][:2]
    assert len(slimmed.image.layers) == len(image.layers)


def test_the_ledger_names_the_package_beside_each_path(slim_unused, store):
    slimmed = slim_unused(*GIT)
    with store.open_blob(slimmed.ledger) as source:
        entries = json.loads(source.read())["entries"]
    entry = next(entry for entry in entries if entry["path"] == "usr/bin/git")
    assert entry["rule"] == "unused"
    assert entry["reason"] == "dpkg:git: a package of which nothing was used, and that nothing used needs"


def test_the_history_tells_the_depth(slim_unused):
    steps = [entry["created_by"] for entry in slim_unused("srv/notes.txt").image.config.document["history"]]
    assert steps[-1] == "slimml optimize --level safe --depth distribution"


def test_a_package_comes_back_whole_with_a_path_that_mending_keeps(slim_unused, inventory):
    kept = Kept("perl", ("/usr/bin/perl",), (inventory.live["usr/bin/perl"],), ("unused",), 0, "a probe failed")
    root = root_of(slim_unused(*PERL, "srv/notes.txt", kept=[kept]).image)
    assert {"usr/bin/perl", "usr/share/perl/x.pm"} <= set(root)
    assert b"Package: perl" in root[STATUS][1]


def test_a_package_with_a_path_that_the_user_keeps_stays(slim_unused):
    root = root_of(slim_unused(*PERL, "srv/notes.txt", keep=("/usr/bin/perl",)).image)
    assert b"Package: perl" in root[STATUS][1]


def test_what_was_used_is_spared_by_other_rules(slim_unused, inventory):
    row = inventory.live["srv/app.py"]
    root = root_of(slim_unused("srv/notes.txt", findings=[finding([row])], used=[row]).image)
    assert "srv/app.py" in root


def test_a_package_of_which_a_file_was_used_is_spared_by_other_rules(slim_unused, inventory):
    found = finding([], Action.PACKAGE, owners=(owner_of(inventory, "git"),))
    used = [inventory.live["usr/bin/git"]]
    assert "usr/bin/git" in root_of(slim_unused("srv/notes.txt", findings=[found], used=used).image)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_kept_the_databases_list_what_is_there(slim_unused, inventory, seed):
    chance = random.Random(seed)
    going = [path for path in inventory.live if path != "srv/notes.txt" and chance.random() < 0.5]
    root = root_of(slim_unused("srv/notes.txt", *(path for path in going if path != STATUS)).image)
    for name in ("git", "perl", "libc"):
        left = [path for path in FILES[name] if path in root]
        assert (f"Package: {name}\n".encode() in root[STATUS][1]) is bool(left)
        if f"{INFO}/{name}.list" in root:
            assert root[f"{INFO}/{name}.list"][1].decode().split() == [f"/{path}" for path in left]
    for name in ("black", "numpy"):
        record = root.get(f"{SITE}/{name}-1.dist-info/RECORD")
        listed = record[1].decode().splitlines() if record else []
        assert [line for line in listed if f"{SITE}/{line.partition(',')[0]}" not in root] == []


def test_the_rule_is_left_out_on_demand(slim_unused):
    with pytest.raises(Refused, match="nothing to gain"):
        slim_unused(*GIT, skip=frozenset({"unused"}))


def test_without_a_recording_the_rule_is_not_taken(inventory):
    findings = unused_findings(inventory, closure_of(inventory, *GIT))
    assert make_plan(inventory, findings, Options(level=Level.ALL)).empty


def test_a_package_that_the_closure_names_goes_though_it_had_no_file(inventory):
    closure = closure_of(inventory, *GIT, owners=["git"])
    (found,) = unused_findings(inventory, closure)
    assert found.owners == (owner_of(inventory, "git"),)


@pytest.mark.parametrize(("depth", "risk"), [(Depth.DISTRIBUTION, Risk.LIKELY), (Depth.STRICT, Risk.ASK)])
def test_the_risk_tells_how_far_a_removal_goes(inventory, depth, risk):
    assert {found.risk for found in unused_findings(inventory, closure_of(inventory, *GIT, depth=depth))} == {risk}


def test_findings_of_the_rule_come_last_and_no_row_is_in_two_of_them(inventory):
    closure = closure_of(inventory, *GIT, *BLACK, f"{SITE}/numpy/testing.py", "srv/notes.txt")
    findings = findings_by_use(inventory, [finding([0], rule="pip-cache")], closure, used_rows(inventory, []))
    assert [found.rule for found in findings] == ["pip-cache"] + 4 * ["unused"]
    rows = [row for found in findings[1:] for row in found.rows.tolist()]
    assert len(rows) == len(set(rows))


def test_used_rows_are_those_opened_not_those_only_asked_for(inventory):
    opened = recording_of(inventory, "srv/app.py", "nowhere")
    asked = recording_of(inventory, "srv/notes.txt", operations=Operation.STAT)
    assert used_rows(inventory, [opened, asked]).tolist() == [inventory.live["srv/app.py"]]
