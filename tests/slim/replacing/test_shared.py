"""Layers that images share get the same new contents in each, or none of them does."""

import random

import pytest
from halving import Halving, halved
from layered_image import file, hardlink, image_of, root_of

from slimml.inventory.kept_files import KeptFiles
from slimml.inventory.take import take_inventory
from slimml.slim.mending.candidates import candidates_of
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.plan import Kept, Verb
from slimml.slim.planning import make_plan
from slimml.slim.replacing.remembered import Remembered
from slimml.slim.replacing.replace import make_offers
from slimml.slim.shared import Member, shared_plans

BIG = random.Random(1).randbytes(60_000)
OTHER = random.Random(2).randbytes(60_000)
BASE = [file("lib/a.half", BIG), file("lib/b.half", OTHER)]


@pytest.fixture
def member(tmp_path):
    """An image with offers for all its `.half` files; `kept` paths stay as they are."""
    remembered = Remembered(KeptFiles(tmp_path / "cache"))

    def make(*layers, kept=()):
        inventory = take_inventory(image_of(*layers))
        plan = make_plan(inventory, (), Options())
        offers = make_offers(inventory, plan, (Halving(),), tmp_path / "place", remembered).taken
        rows = tuple(inventory.live[path] for path in kept)
        held = (Kept("it", tuple(f"/{path}" for path in kept), rows, ("strip",), 0, "needed"),) if kept else ()
        return Member(inventory, (), held, offers)

    return make


def results(members, store):
    plans = shared_plans(members, Options())
    return [carry_out(one.inventory, plan, store).image for one, plan in zip(members, plans, strict=True)]


def test_the_shared_layer_stays_shared(member, store):
    one, two = results([member(BASE, [file("x.half", BIG)]), member(BASE, [file("y", OTHER)])], store)
    assert one.layers[0].diff_id == two.layers[0].diff_id
    assert root_of(two)["lib/a.half"][1] == halved(BIG)
    assert root_of(one)["x.half"][1] == halved(BIG)


def test_what_one_image_needs_as_it_was_stays_so_in_all(member, store):
    members = [member(BASE, [file("x.half", BIG)], kept=["lib/a.half"]), member(BASE, [file("y", OTHER)])]
    one, two = results(members, store)
    assert one.layers[0].diff_id == two.layers[0].diff_id
    assert [root_of(it)["lib/a.half"][1] for it in (one, two)] == [BIG, BIG]
    assert [root_of(it)["lib/b.half"][1] for it in (one, two)] == [halved(OTHER)] * 2


def test_an_image_that_does_not_see_a_file_has_no_say_in_it(member, store):
    hiding = member(BASE, [file("lib/a.half", OTHER)])
    one, two = results([hiding, member(BASE, [file("y", OTHER)])], store)
    assert one.layers[0].diff_id == two.layers[0].diff_id
    assert root_of(two)["lib/a.half"][1] == halved(BIG)


def test_all_names_of_a_file_get_their_content_back_together(member):
    found = member([file("lib/a.half", BIG), hardlink("lib/c", "lib/a.half"), *BASE[1:]])
    plan = make_plan(found.inventory, (), Options(), offers=found.offers)
    candidates = candidates_of(found.inventory, plan)
    live = found.inventory.live
    assert candidates.rows[live["lib/a.half"]] == (live["lib/a.half"], live["lib/c"])
    kept = candidates.kept([live["lib/a.half"]], "needed")
    again = make_plan(found.inventory, (), Options(), (kept,), offers=found.offers)
    replaced = [path for path, row in live.items() if again.verb[row] == Verb.REPLACE]
    assert replaced == ["lib/b.half"]
