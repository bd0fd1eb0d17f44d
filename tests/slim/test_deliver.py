"""Where a slimmed image goes, its ledger is found again."""

import pytest
from layered_image import file, image_of

from slimml.oci.artifact import LEDGER, REMOVED
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import find_artifacts, open_image
from slimml.slim.deliver import deliver

BIG = bytes(range(256)) * 40


@pytest.fixture(params=[False, True], ids=["oci", "docker"])
def slimmed(slim, request):
    return slim(image_of([file("gone", BIG), file("keep")], docker=request.param), "gone", keep_removed=True)


def test_a_layout_holds_ledger_and_removed_content_as_artifacts_of_the_image(slimmed, tmp_path):
    place = parse_reference(f"oci:{tmp_path}/layout:slim")
    deliver(slimmed, place)
    digest = open_image(place).manifest.digest
    (ledger,) = find_artifacts(place, digest, LEDGER)
    (removed,) = find_artifacts(place, digest, REMOVED)
    assert ledger.manifest.layers[0].digest == slimmed.ledger.digest
    assert removed.manifest.layers[0].digest == slimmed.removed.digest


@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
def test_an_archive_has_them_beside_it(slimmed, tmp_path, transport):
    deliver(slimmed, parse_reference(f"{transport}:{tmp_path}/slim.tar:app:slim"))
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {"slim.tar", "slim.tar.ledger.json", "slim.tar.removed.tar.zst"}


def test_the_ledger_goes_to_a_file_as_well(slimmed, tmp_path):
    deliver(slimmed, parse_reference(f"oci:{tmp_path}/layout:slim"), ledger=tmp_path / "ledger.json")
    with slimmed.store.open_blob(slimmed.ledger) as stream:
        assert (tmp_path / "ledger.json").read_bytes() == stream.read()
