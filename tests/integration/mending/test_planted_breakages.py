"""Removals that break a service are found, taken back and told of, within three rewrites."""

import pytest

from slimml.engine.bare.engine import BareEngine
from slimml.errors import Unavailable, Unproven
from slimml.oci.blobs import BlobStore
from slimml.slim.mending.prove import REWRITES, learn, slim_proven
from slimml.slim.options import Level, Options
from slimml.slim.planning import make_plan
from slimml.verify.verification import Verdict

BREAKAGES = ("library", "data", "lazy", "certificates", "zone")
OPTIONS = Options(level=Level.LIKELY)


@pytest.fixture(scope="module")
def proving(service):
    try:
        engine = BareEngine("runc")
        engine.facts()
    except Unavailable as error:
        pytest.skip(str(error))
    return learn(engine, service.inventory, service.suite)


@pytest.fixture
def mended(service, proving, tmp_path):
    """Slim with a removal that breaks these answers, and mend."""

    def act(*names):
        findings = service.breaking(*names)
        plan = make_plan(service.inventory, findings, OPTIONS)
        return slim_proven(service.inventory, findings, plan, proving, BlobStore(tmp_path / "store"))

    return act


def paths_kept(service, proof):
    return {service.inventory.paths[row] for item in proof.kept for row in item.rows}


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_breakage_is_mended_within_three_rewrites(service, mended, name):
    slimmed, proof = mended(name)
    assert proof.verification.verdict is Verdict.SAME
    assert 1 <= proof.rewrites <= REWRITES
    assert service.needs[name] <= paths_kept(service, proof)
    assert f"probe {name!r} failed without it" in proof.kept[0].reason
    assert slimmed.image.config.labels["org.slimml.verified"] == "5 probes"


def test_all_five_at_once_are_mended_and_hardly_anything_else_is_kept(service, mended):
    slimmed, proof = mended(*BREAKAGES)
    assert proof.verification.verdict is Verdict.SAME
    assert proof.rewrites <= REWRITES
    kept = paths_kept(service, proof)
    assert set().union(*service.needs.values()) <= kept
    assert not any(path.startswith("opt/other/") for path in kept)
    assert slimmed.after.disk < slimmed.before.disk - 60 * 70_000


def test_an_image_that_works_is_written_once(mended):
    _, proof = mended()
    assert (proof.rewrites, proof.trials, proof.kept) == (0, 0, ())


def test_an_original_that_fails_its_own_probes_is_told_of(service, proving):
    from dataclasses import replace

    suite = replace(service.suite, probes=(replace(service.suite.probes[0], status=418),))
    with pytest.raises(Unproven, match=r"the original itself fails its probe 'library'.*--no-verify"):
        learn(proving.engine, service.inventory, suite)
