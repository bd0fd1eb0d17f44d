"""Removals that break a service are found, taken back and told of, within three rewrites."""

from dataclasses import replace

import pytest
from engines import engine_directory, missing, running_dockerd, running_podman

from slimml.engine.bare.engine import BareEngine
from slimml.engine.choose import find_engine
from slimml.errors import Unavailable, Unproven
from slimml.oci.blobs import BlobStore
from slimml.oci.transfer import Access
from slimml.slim.mending.prove import REWRITES, learn, slim_proven
from slimml.slim.options import Level, Options
from slimml.slim.plan import Verb
from slimml.slim.planning import make_plan
from slimml.verify.verification import Verdict

BREAKAGES = ("library", "data", "lazy", "certificates", "zone")
OPTIONS = Options(level=Level.LIKELY)


def runtime(name):
    try:
        engine = BareEngine(name)
        engine.facts()
    except Unavailable as error:
        missing(str(error))
    return engine


@pytest.fixture(scope="module")
def proving(service):
    return learn(runtime("runc"), service.inventory, service.suite)


@pytest.fixture
def mended(service, tmp_path):
    """Slim with a removal that breaks these answers, and mend."""

    def act(proving, *names):
        findings = service.breaking(*names)
        plan = make_plan(service.inventory, findings, OPTIONS)
        return slim_proven(service.inventory, findings, plan, proving, BlobStore(tmp_path / "store"))

    return act


def left(service, slimmed):
    """The paths that a container of the slim image sees."""
    gone = slimmed.plan.verb == Verb.DROP
    return {path for path, row in service.inventory.live.items() if not gone[row]}


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_breakage_is_mended_within_three_rewrites(service, proving, mended, name):
    slimmed, proof = mended(proving, name)
    assert proof.verification.verdict is Verdict.SAME
    assert 1 <= proof.rewrites <= REWRITES
    assert service.needs[name] <= left(service, slimmed)
    assert f"probe {name!r} failed without it" in proof.kept[0].reason
    assert slimmed.image.config.labels["org.slimml.verified"] == "5 probes"


def check_all_five(service, proving, mended):
    slimmed, proof = mended(proving, *BREAKAGES)
    assert proof.verification.verdict is Verdict.SAME
    assert proof.rewrites <= REWRITES
    seen = left(service, slimmed)
    assert set().union(*service.needs.values()) <= seen
    assert not any(path.endswith(".bin") and path.startswith("opt/other/") for path in seen)
    assert len(proof.kept) >= len(BREAKAGES)


def test_all_five_at_once_are_mended_and_hardly_anything_else_is_kept(service, proving, mended):
    check_all_five(service, proving, mended)


@pytest.mark.parametrize("running", [running_dockerd, running_podman], ids=["docker", "podman"])
def test_so_they_are_with_an_engine(service, mended, running):
    with engine_directory() as directory, running(directory) as socket:
        engine = find_engine("auto", Access(engine=f"unix://{socket}"))
        check_all_five(service, learn(engine, service.inventory, service.suite), mended)


def test_an_image_that_works_is_written_once(proving, mended):
    _, proof = mended(proving)
    assert (proof.rewrites, proof.trials, proof.kept) == (0, 0, ())


def test_an_original_that_fails_its_own_probes_is_told_of(service, proving):
    suite = replace(service.suite, probes=(replace(service.suite.probes[0], status=418),))
    with pytest.raises(Unproven, match=r"the original itself fails its probe 'library'.*--no-verify"):
        learn(proving.engine, service.inventory, suite)
