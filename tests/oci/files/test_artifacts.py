"""Artifacts beside an image in a layout: found by subject and type, kept once, in nobody's way."""

import pytest
from tiny_image import MemoryBlobs, put_layout, tiny

from slimml.errors import InvalidImage, Unsupported
from slimml.oci.artifact import LEDGER, REMOVED, Artifact
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import OCI_EMPTY
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import find_artifacts, open_image, write_artifact, write_image


def artifact_for(image, kind=LEDGER, content=b"ledger"):
    blobs = MemoryBlobs()
    manifest = build_manifest(
        config=blobs.add(OCI_EMPTY, b"{}"),
        layers=[blobs.add(kind, content)],
        artifact_type=kind,
        subject=image.manifest.descriptor,
    )
    return Artifact(manifest, blobs)


@pytest.fixture
def image(tmp_path):
    found = tiny({"a": b"1"})
    put_layout(tmp_path / "layout", found)
    return found


def test_an_artifact_is_found_by_its_subject(at, image):
    written = write_artifact(artifact_for(image), at("oci:layout"))
    (found,) = find_artifacts(at("oci:layout"), image.manifest.digest, LEDGER)
    assert found.manifest.digest == written
    with found.blobs.open_blob(found.manifest.layers[0]) as content:
        assert content.read() == b"ledger"


def test_artifacts_of_another_type_are_not_found(at, image):
    write_artifact(artifact_for(image, REMOVED), at("oci:layout"))
    assert find_artifacts(at("oci:layout"), image.manifest.digest, LEDGER) == []


def test_artifacts_of_another_image_are_not_found(at, image):
    write_artifact(artifact_for(tiny({"b": b"2"})), at("oci:layout"))
    assert find_artifacts(at("oci:layout"), image.manifest.digest, LEDGER) == []


def test_the_same_artifact_is_kept_once(at, image):
    for _ in range(2):
        write_artifact(artifact_for(image), at("oci:layout"))
    assert len(find_artifacts(at("oci:layout"), image.manifest.digest, LEDGER)) == 1


def test_an_artifact_is_not_taken_for_an_image(at, image):
    write_artifact(artifact_for(image), at("oci:layout"))
    assert open_image(at("oci:layout")).manifest.digest == image.manifest.digest


def test_an_artifact_stays_when_an_image_is_added(at, image):
    write_artifact(artifact_for(image), at("oci:layout"))
    write_image(tiny({"b": b"2"}), at("oci:layout:other"))
    assert len(find_artifacts(at("oci:layout"), image.manifest.digest, LEDGER)) == 1


def test_a_damaged_artifact_is_not_written(at, image):
    artifact = artifact_for(image)
    artifact.blobs.content[artifact.manifest.layers[0].digest] = b"leDger"
    with pytest.raises(InvalidImage):
        write_artifact(artifact, at("oci:layout"))
    assert find_artifacts(at("oci:layout"), image.manifest.digest, LEDGER) == []


@pytest.mark.parametrize("place", ["oci-archive:x.tar", "docker-archive:x.tar", "docker-daemon:x"])
def test_places_without_room_say_where_there_is(at, image, place):
    with pytest.raises(Unsupported, match="beside the image"):
        write_artifact(artifact_for(image), parse_reference(place))
