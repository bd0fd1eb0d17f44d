"""Artifacts attached to an image, with the referrers API and without."""

import pytest

from slimml.errors import InvalidImage, Unavailable
from slimml.oci.artifact import LEDGER, REMOVED, Artifact
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import hex_of, sha256
from slimml.oci.documents import dump_canonical
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import OCI_EMPTY, OCI_INDEX
from slimml.oci.places.registry import find_artifacts, write_artifact, write_image


class Held:
    def __init__(self, *blobs):
        self.blobs = {sha256(blob): blob for blob in blobs}

    def open_blob(self, descriptor, offset=0):
        import io

        return io.BytesIO(self.blobs[descriptor.digest][offset:])


def artifact_of(image, data, kind=LEDGER):
    manifest = build_manifest(
        config=Descriptor(OCI_EMPTY, sha256(b"{}"), 2),
        layers=[Descriptor(kind, sha256(data), len(data))],
        artifact_type=kind,
        subject=image.manifest.descriptor,
    )
    return Artifact(manifest, Held(b"{}", data))


@pytest.fixture
def image(make_image):
    return make_image("a")


def test_an_artifact_is_found_by_its_subject(registry, image, named, access):
    target = named(registry, "app:1")
    write_image(image, target, access)
    digest = write_artifact(artifact_of(image, b"{}\n"), target, access)
    found = find_artifacts(target, image.manifest.digest, LEDGER, access)
    assert [one.manifest.digest for one in found] == [digest]


def test_the_files_of_an_artifact_can_be_read(registry, image, named, access):
    target = named(registry, "app:1")
    write_image(image, target, access)
    write_artifact(artifact_of(image, b"the ledger"), target, access)
    (found,) = find_artifacts(target, image.manifest.digest, LEDGER, access)
    with found.blobs.open_blob(found.manifest.layers[0]) as stream:
        assert stream.read() == b"the ledger"


def test_several_artifacts_are_told_apart_by_type(registry, image, named, access):
    target = named(registry, "app:1")
    write_image(image, target, access)
    write_artifact(artifact_of(image, b"one"), target, access)
    removed = write_artifact(artifact_of(image, b"two", REMOVED), target, access)
    found = find_artifacts(target, image.manifest.digest, REMOVED, access)
    assert [one.manifest.digest for one in found] == [removed]


def test_without_a_type_all_artifacts_are_found(registry, image, named, access):
    target = named(registry, "app:1")
    write_image(image, target, access)
    write_artifact(artifact_of(image, b"one"), target, access)
    write_artifact(artifact_of(image, b"two", REMOVED), target, access)
    assert len(find_artifacts(target, image.manifest.digest, None, access)) == 2


def test_an_artifact_written_twice_is_listed_once(registry, image, named, access):
    target = named(registry, "app:1")
    write_image(image, target, access)
    for _ in range(2):
        write_artifact(artifact_of(image, b"one"), target, access)
    assert len(find_artifacts(target, image.manifest.digest, None, access)) == 1


def test_an_image_without_artifacts_has_none(registry, image, named, access):
    write_image(image, named(registry, "app:1"), access)
    assert find_artifacts(named(registry, "app:1"), image.manifest.digest, LEDGER, access) == []


def test_a_tag_in_the_way_is_not_overwritten(registry, image, named, access):
    write_image(image, named(registry, "app:1"), access)
    write_image(image, named(registry, f"app:sha256-{hex_of(image.manifest.digest)}"), access)
    with pytest.raises(InvalidImage, match="should list artifacts and holds an image"):
        write_artifact(artifact_of(image, b"one"), named(registry, "app:1"), access)


def referring(reply, manifests, pages):
    """A registry with the referrers API: `pages` are (body, media type, link) by path."""

    def serve(handler, said):
        path = said.path
        if path in pages:
            body, kind, link = pages[path]
            return reply(handler, 200, body, Content_Type=kind, **({"Link": link} if link else {}))
        digest = path.rpartition("/")[2]
        raw = manifests.get(digest)
        kind = "application/vnd.oci.image.manifest.v1+json"
        return reply(handler, 200 if raw or path == "/v2/" else 404, raw or b"", Content_Type=kind)

    return serve


def index(*descriptors):
    listed = [found.to_json() for found in descriptors]
    return dump_canonical({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed})


def test_the_referrers_api_is_read_page_by_page(scripted, reply, image, named, access):
    one, two = (artifact_of(image, data).manifest for data in (b"one", b"two"))
    first = f"/v2/app/referrers/{image.manifest.digest}"
    pages = {
        first: (index(one.descriptor), OCI_INDEX, f'<{first}?n=2>; rel="next"'),
        f"{first}?n=2": (index(two.descriptor), OCI_INDEX, ""),
    }
    server = scripted(referring(reply, {one.digest: one.raw, two.digest: two.raw}, pages))
    found = find_artifacts(named(server.address, "app:1"), image.manifest.digest, LEDGER, access)
    assert [artifact.manifest.digest for artifact in found] == [one.digest, two.digest]


def test_an_answer_that_is_the_subject_itself_is_no_artifact(scripted, reply, image, named, access):
    path = f"/v2/app/referrers/{image.manifest.digest}"
    pages = {path: (index(image.manifest.descriptor), OCI_INDEX, "")}
    server = scripted(referring(reply, {image.manifest.digest: image.manifest.raw}, pages))
    assert find_artifacts(named(server.address, "app:1"), image.manifest.digest, None, access) == []


def test_an_artifact_of_another_subject_is_left_out(scripted, reply, image, make_image, named, access):
    other = artifact_of(make_image("b"), b"x").manifest
    path = f"/v2/app/referrers/{image.manifest.digest}"
    server = scripted(referring(reply, {other.digest: other.raw}, {path: (index(other.descriptor), OCI_INDEX, "")}))
    assert find_artifacts(named(server.address, "app:1"), image.manifest.digest, None, access) == []


def test_an_answer_that_is_no_index_means_that_there_is_no_such_api(scripted, reply, image, named, access):
    path = f"/v2/app/referrers/{image.manifest.digest}"
    pages = {path: (b"<html>welcome</html>", "text/html", "")}
    server = scripted(referring(reply, {}, pages))
    assert find_artifacts(named(server.address, "app:1"), image.manifest.digest, None, access) == []


def test_pages_at_another_host_are_not_followed(scripted, reply, image, named, access):
    path = f"/v2/app/referrers/{image.manifest.digest}"
    pages = {path: (index(), OCI_INDEX, '<http://example.com/more>; rel="next"')}
    server = scripted(referring(reply, {}, pages))
    with pytest.raises(Unavailable, match="another host"):
        find_artifacts(named(server.address, "app:1"), image.manifest.digest, None, access)
