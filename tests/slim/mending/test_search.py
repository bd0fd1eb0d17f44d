"""From a failed verification to the removals that have to stay."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from layered_image import file, finding, folder, symlink
from needy_program import program, verified

from slimml.bloat.finding import Risk
from slimml.slim.mending.evidence import symptom
from slimml.slim.mending.search import find_needed
from slimml.slim.options import Level, Options
from slimml.slim.plan import Verb
from slimml.slim.planning import make_plan

LARGE = b"x" * 70_000
"""more than what is not worth telling apart"""


def kept_paths(needed):
    return {path for item in needed.kept for path in item.paths}


def search(lost, **more):
    return find_needed(lost.candidates, lost.check, lost.check(frozenset()), **more)


def test_what_the_error_names_is_kept_and_nothing_else():
    others = [file(f"usr/share/doc/{number}", LARGE) for number in range(40)]
    found = program({"app/vocab.txt": "No such file: '/app/vocab.txt'"}, file("app/vocab.txt", LARGE), *others)
    assert kept_paths(search(found)) == {"/app/vocab.txt"}
    assert len(set(found.tried)) <= 3


def test_one_error_hides_the_next():
    needs = {f"app/{name}": f"No such file: '/app/{name}'" for name in ("a.txt", "b.txt", "c.txt")}
    others = [file(f"usr/share/doc/{number}", LARGE) for number in range(40)]
    found = program(needs, *(file(path, LARGE) for path in needs), *others)
    assert kept_paths(search(found)) == {"/app"}
    assert len(set(found.tried)) < 16


def test_without_any_clue_it_is_found_by_halving():
    others = [file(f"usr/share/doc/{number}", LARGE) for number in range(200)]
    found = program({"usr/share/doc/77": "answers differ"}, *others)
    assert kept_paths(search(found)) == {"/usr/share/doc/77"}
    assert len(set(found.tried)) < 30


@settings(deadline=None, max_examples=20)
@given(st.sets(st.integers(0, 59), min_size=1, max_size=3), st.booleans())
def test_whatever_is_needed_is_among_what_is_kept(wanted, telling):
    paths = [f"data/{number % 7}/{number}.bin" for number in range(60)]
    needs = {paths[number]: f"cannot open {paths[number]}" if telling else "wrong" for number in wanted}
    lost = program(needs, *(file(path, LARGE) for path in paths))
    inventory = lost.candidates.inventory
    found = search(lost)
    assert {inventory.paths[row] for item in found.kept for row in item.rows} == set(needs)


def test_nothing_is_found_when_putting_all_back_does_not_help():
    assert search(program({"not/removed": "always wrong"}, file("app/a"))) is None


def test_what_a_symlink_leads_to_comes_with_it():
    found = program({"usr/lib/libx.so": "libx.so"}, symlink("usr/lib/libx.so", "libx.so.1"), file("usr/lib/libx.so.1"))
    rows = search(found).kept[0].rows
    assert [found.candidates.inventory.paths[row] for row in rows] == ["usr/lib/libx.so", "usr/lib/libx.so.1"]


def test_the_reason_is_what_happens_without_it():
    found = program({"app/a": "FileNotFoundError: /app/a"}, file("app/a", LARGE), file("app/b", LARGE))
    kept = search(found).kept[0]
    assert "probe 'predict' failed without it" in kept.reason
    assert "FileNotFoundError: /app/a" in kept.reason
    assert (kept.rules, kept.disk_bytes) == (("test",), 70_000)


def test_small_neighbours_stay_together_under_their_directory():
    items = [folder("data"), *(file(f"data/{number}") for number in range(5)), file("other/large", LARGE)]
    assert kept_paths(search(program({"data/3": "it fails"}, *items))) == {"/data"}


def test_a_plan_with_what_is_kept_leaves_it_alone():
    found = program({"app/a": "app/a"}, file("app/a", LARGE), file("app/b", LARGE))
    candidates = found.candidates
    kept = search(found).kept
    rows = np.flatnonzero(candidates.plan.verb == Verb.DROP)
    again = make_plan(candidates.inventory, [finding(rows, risk=Risk.LIKELY)], Options(level=Level.ALL), kept)
    gone = [candidates.inventory.paths[row] for row in np.flatnonzero(again.verb == Verb.DROP)]
    assert (gone, again.kept) == (["app/b"], kept)
    assert any(note.startswith("kept /app/a: probe 'predict'") for note in again.notes)


def test_modules_of_a_package_come_back_together():
    site = "usr/lib/python3.11/site-packages"
    items = [file(f"{site}/lazy/{name}", LARGE) for name in ("__init__.py", "a.py", "b.py", "table.bin")]
    lost = program({f"{site}/lazy/a.py": "No module named 'lazy.a'"}, *items, file(f"{site}/six.py", LARGE))
    assert kept_paths(search(lost)) == {f"/{site}/lazy/{name}" for name in ("__init__.py", "a.py", "b.py")}


def test_what_a_search_without_enough_trials_did_not_ask_is_asked_for_each_part():
    others = [file(f"usr/share/doc/{number}", LARGE) for number in range(5)]
    lost = program({"app/a": "it fails"}, file("app/a", LARGE), *others)
    assert kept_paths(search(lost, most=1)) == {"/app/a"}


def test_the_line_that_tells_most_stands_for_all_that_a_program_said():
    found = verified(("predict", b""), logs=b"Traceback\n  line 1\nImportError: libx.so.1\n")
    row = replace(found.rows[0], slim=replace(found.rows[0].slim, failure="it ended with code 1; it said: Traceback"))
    told = symptom(replace(found, rows=(row,)))
    assert told == "probe 'predict' failed without it: it ended with code 1 (ImportError: libx.so.1)"
