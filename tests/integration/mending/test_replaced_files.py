"""Files whose new content breaks a service get the old one back, and the others keep the new one."""

import pytest
from engines import missing
from halving import Blanking, Halving

from slimml.engine.bare.engine import BareEngine
from slimml.errors import Unavailable
from slimml.inventory.kept_files import KeptFiles
from slimml.oci.blobs import BlobStore
from slimml.slim.mending.prove import learn, slim_proven
from slimml.slim.options import Options
from slimml.slim.plan import Verb
from slimml.slim.planning import make_plan
from slimml.slim.replacing.remembered import Remembered
from slimml.slim.replacing.replace import make_offers
from slimml.verify.verification import Verdict


@pytest.fixture
def engine():
    found = BareEngine("runc")
    try:
        found.facts()
    except Unavailable as error:
        missing(str(error))
    return found


def test_only_what_is_needed_gets_its_content_back(service, engine, tmp_path):
    inventory = service.inventory
    plan = make_plan(inventory, (), Options())
    shrinker = Blanking(suffix=(".bin", "words.txt", "lazything/answer.py"))
    place = tmp_path / "place"
    offers = make_offers(inventory, plan, (shrinker,), place, Remembered(KeptFiles(tmp_path / "cache")))
    plan = make_plan(inventory, (), Options(), offers=offers.taken)
    proving = learn(engine, inventory, service.suite)
    slimmed, proof = slim_proven(inventory, (), plan, proving, BlobStore(tmp_path / "store"))
    assert proof.verification.verdict is Verdict.SAME
    needed = service.needs["data"] | {path for path in service.needs["lazy"] if path.endswith("/answer.py")}
    spared = {inventory.paths[row] for row in offers.taken if slimmed.plan.verb[row] != Verb.REPLACE}
    assert spared == needed
    assert {rule for item in proof.kept for rule in item.rules} == {"strip"}


def test_what_changes_less_is_tried_before_a_file_gets_its_content_back(service, engine, tmp_path):
    """Half of answer.py does; the time zone is needed whole, after it was tried twice."""
    inventory, remembered = service.inventory, Remembered(KeptFiles(tmp_path / "cache"))
    before = make_plan(inventory, (), Options())
    names = ("Europe/Berlin", "lazything/answer.py")
    blank = make_offers(inventory, before, (Blanking(suffix=names),), tmp_path / "place", remembered).taken
    half = make_offers(inventory, before, (Halving(suffix=names),), tmp_path / "place", remembered).taken
    asked, told = [], []

    def gentler(refused):
        asked.append({inventory.paths[row] for row in refused})
        return {row: half[row] for row in refused if refused[row] != half[row]}

    slimmed, proof = slim_proven(
        inventory,
        (),
        make_plan(inventory, (), Options(), offers=blank),
        learn(engine, inventory, service.suite),
        BlobStore(tmp_path / "store"),
        remark=told.append,
        gentler=gentler,
    )
    assert proof.verification.verdict is Verdict.SAME
    (answer,) = (row for row in half if inventory.paths[row].endswith("answer.py"))
    (zone,) = service.needs["zone"]
    assert asked == [{inventory.paths[answer], zone}, {zone}]
    assert (slimmed.plan.offers[answer], slimmed.plan.verb[answer]) == (half[answer], Verb.REPLACE)
    assert slimmed.plan.verb[inventory.live[zone]] == Verb.KEEP
    assert [item.paths for item in proof.kept] == [(f"/{zone}",)]
    assert [line.split(" /")[0] for line in told[1::2]] == ["changing less of", "keeping"]
