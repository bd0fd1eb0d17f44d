"""Imports become a tree whose times add up, by whom they were brought in and whose they are."""

import pytest

from slimml.startup.import_tree import as_tree, costs, import_tree
from slimml.startup.needed import needed_owners, unneeded
from slimml.startup.notes import Notes, Span

OWNERS = {"app": "application", "pandas": "pandas", "pandas.io": "pandas", "numpy": "numpy", "json": "standard library"}


def owner_of(module):
    return OWNERS[module]


def span(number, name, begin, end, within=0, kind="import", where=""):
    return Span(1, 1, number, within, kind, name, begin, end, 0.0, where)


SPANS = (
    span(1, "app", 0, 10),
    span(2, "pandas", 1, 6, 1),
    span(3, "pandas.io", 2, 3, 2),
    span(4, "json", 2.2, 2.6, 3),
    span(5, "numpy", 7, 9, 1),
    span(6, "", 9, 9.5, 1, "sleep"),
)


@pytest.fixture
def roots():
    return import_tree(Notes(spans=SPANS), owner_of, 20)


def test_own_time_is_without_what_was_brought_in(roots):
    assert {node.name: node.own for node in roots[0].walk()} == pytest.approx(
        {"app": 3, "pandas": 4, "pandas.io": 0.6, "json": 0.4, "numpy": 2}
    )


def test_own_times_add_up_to_the_whole(roots):
    assert sum(node.own for node in roots[0].walk()) == pytest.approx(roots[0].total)


def test_the_chain_leads_from_the_outermost(roots):
    assert [node.chain for node in roots[0].walk() if node.name == "json"] == [("app", "pandas", "pandas.io", "json")]


def test_waiting_within_an_import_is_its_own(roots):
    assert roots[0].waited == 0.5


def test_imports_after_the_end_are_left_out():
    assert len(list(import_tree(Notes(spans=SPANS), owner_of, 6)[0].walk())) == 4


def test_distributions_are_told_with_all_they_bring(roots):
    (pandas,) = [cost for cost in costs(roots) if cost.owner == "pandas"]
    assert (pandas.own, pandas.cumulative, pandas.modules) == (pytest.approx(4.6), pytest.approx(5), 2)


def test_short_imports_are_left_out_of_the_data(roots):
    (app,) = as_tree(roots, "imports", 1.0)["children"]
    assert [child["name"] for child in app["children"]] == ["pandas", "numpy"]
    assert app["children"][0]["children"][0]["children"] == []


def test_a_distribution_that_nobody_calls_is_not_needed(roots):
    used = frozenset({("", "/app.py", ""), ("app", "", "numpy")})
    needed = needed_owners(Notes(used=used), owner_of, lambda path: "application")
    (found,) = unneeded(roots, needed)
    assert (found.owner, found.chain, found.seconds) == ("pandas", ("app", "pandas"), pytest.approx(4.6))


def test_a_distribution_that_brings_in_what_is_needed_is_told_without_that():
    spans = (span(1, "app", 0, 10), span(2, "pandas", 1, 6, 1), span(3, "numpy", 2, 3, 2))
    roots = import_tree(Notes(spans=spans), owner_of, 20)
    (found,) = unneeded(roots, frozenset({"application", "numpy"}))
    assert (found.owner, found.seconds) == ("pandas", pytest.approx(4))


def test_what_a_needed_distribution_calls_as_it_is_imported_is_needed(roots):
    used = frozenset({("", "", "pandas"), ("pandas", "", "numpy")})
    assert needed_owners(Notes(used=used), owner_of, owner_of) >= {"pandas", "numpy"}


def test_what_comes_with_a_distribution_counts_as_part_of_it():
    spans = (span(1, "app", 0, 10), span(2, "pandas", 1, 6, 1), span(3, "numpy", 2, 3, 2), span(4, "json", 2, 2.5, 3))
    (found,) = unneeded(import_tree(Notes(spans=spans), owner_of, 20), frozenset({"application"}))
    assert (found.owner, found.chain, found.seconds) == ("pandas", ("app", "pandas"), pytest.approx(4.5))


def test_a_distribution_that_is_mostly_compiled_is_not_judged():
    spans = (span(1, "app", 0, 10), span(2, "numpy", 1, 6, 1, where="/x/numpy.so"))
    assert unneeded(import_tree(Notes(spans=spans), owner_of, 20), frozenset({"application"})) == ()
