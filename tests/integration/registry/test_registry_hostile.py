"""Servers that want our credentials, our memory, our time, or to sell us another image."""

import base64
import json
from dataclasses import replace

import pytest

from slimml.errors import AccessDenied, InvalidImage, LimitExceeded, NotFound, SlimmlError, Unavailable, Unsupported
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.limits import Limits
from slimml.oci.media_types import DOCKER_FOREIGN_LAYER, OCI_INDEX, OCI_MANIFEST
from slimml.oci.places.registry import open_image
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.repository import Repository
from slimml.oci.transfer import Access
from slimml.oci.verify import verified

SECRET = base64.b64encode(b"ali:open sesame").decode()


@pytest.fixture
def repository(named, access, hasty):
    return lambda server: Repository(Client(named(server.address, "app").name, access, hasty))


@pytest.fixture
def content(make_image, reply):
    """A registry's honest answers for one image, by path."""
    image = make_image("a")
    layer = image.layers[0]
    found = {
        "/v2/": (b"{}", "application/json"),
        "/v2/app/manifests/1": (image.manifest.raw, OCI_MANIFEST),
        f"/v2/app/blobs/{image.manifest.config.digest}": (image.config.raw, "application/octet-stream"),
        f"/v2/app/blobs/{layer.descriptor.digest}": (layer.open().read(), "application/octet-stream"),
    }

    def serve(handler, said):
        body, kind = found.get(said.path, (b"", ""))
        reply(handler, 200 if kind else 404, body, Content_Type=kind)

    serve.found, serve.image = found, image
    return serve


def test_the_honest_server_is_believed(scripted, content, named, access):
    server = scripted(content)
    assert open_image(named(server.address, "app:1"), access).manifest.digest == content.image.manifest.digest


def test_a_manifest_of_another_digest_is_refused(scripted, content, named, access):
    wrong = sha256(b"wanted")
    content.found[f"/v2/app/manifests/{wrong}"] = content.found["/v2/app/manifests/1"]
    server = scripted(content)
    with pytest.raises(InvalidImage, match=f"has other content than {wrong}"):
        open_image(named(server.address, f"app@{wrong}"), access)


def test_a_manifest_that_its_header_contradicts_is_refused(scripted, content, reply, named, access):
    raw = content.image.manifest.raw

    def lying(handler, said):
        reply(handler, 200, raw, Content_Type=OCI_MANIFEST, Docker_Content_Digest=sha256(b"other"))

    with pytest.raises(InvalidImage, match="has other content"):
        open_image(named(scripted(lying).address, "app:1"), access)


def test_a_digest_that_is_a_path_is_refused(scripted, content, reply, named, access):
    raw = content.image.manifest.raw.replace(content.image.manifest.config.digest.encode(), b"sha256:../../../../x")
    content.found["/v2/app/manifests/1"] = (raw, OCI_MANIFEST)
    with pytest.raises(InvalidImage, match="is not a sha256 or sha512 digest"):
        open_image(named(scripted(content).address, "app:1"), access)


def test_a_config_with_other_content_is_refused(scripted, content, named, access):
    path = f"/v2/app/blobs/{content.image.manifest.config.digest}"
    content.found[path] = (content.found[path][0].replace(b"amd64", b"amd65"), "application/octet-stream")
    with pytest.raises(InvalidImage, match="has other content"):
        open_image(named(scripted(content).address, "app:1"), access)


def test_a_blob_that_does_not_end_is_stopped_at_its_size(scripted, content, named, access, hasty):
    descriptor = content.image.layers[0].descriptor
    content.found[f"/v2/app/blobs/{descriptor.digest}"] = (b"x" * 10_000_000, "application/octet-stream")
    layer = open_image(named(scripted(content).address, "app:1"), access, hasty).layers[0]
    with verified(layer.open(), descriptor) as stream, pytest.raises(InvalidImage, match="is longer than"):
        stream.read(1 << 20)


def test_an_endless_manifest_ends_at_the_limit(scripted, reply, named):
    def endless(handler, said):
        reply(handler, 200, b"", Content_Type=OCI_MANIFEST, Transfer_Encoding="chunked")
        while said.path != "/v2/":
            handler.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    small = Access(limits=Limits(json_bytes=1 << 20))
    with pytest.raises(LimitExceeded, match="limit: json_bytes"):
        open_image(named(scripted(endless).address, "app:1"), small)


def test_a_manifest_that_trickles_ends_in_time(scripted, reply, named, access, hasty):
    def slow(handler, said):
        reply(handler, 200, b"{}", Content_Type=OCI_MANIFEST, Content_Length="2" if said.path == "/v2/" else "1000")

    impatient = replace(hasty, document_timeout=0.0)
    with pytest.raises(Unavailable, match="did not arrive within 0 s"):
        open_image(named(scripted(slow).address, "app:1"), access, impatient)


def test_an_index_that_contains_itself_over_and_over_ends_at_the_limit(scripted, reply, named, access):
    chain = [b'{"schemaVersion":2}']
    for _ in range(12):
        entry = {"mediaType": OCI_INDEX, "digest": sha256(chain[-1]), "size": len(chain[-1])}
        chain.append(json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode())
    found = {f"/v2/app/manifests/{sha256(raw)}": raw for raw in chain} | {"/v2/app/manifests/1": chain[-1]}

    def nested(handler, said):
        reply(handler, 200, found.get(said.path, b""), Content_Type=OCI_INDEX)

    with pytest.raises(LimitExceeded, match="limit: index_depth"):
        open_image(named(scripted(nested).address, "app:1"), access)


def test_escape_sequences_of_an_error_do_not_reach_the_terminal(scripted, reply, named, access):
    body = json.dumps({"errors": [{"code": "X", "message": "\x1b]0;owned\x07\u202eevil\r\n" + "y" * 9000}]}).encode()
    server = scripted(lambda h, said: reply(h, 403, body))
    with pytest.raises(AccessDenied) as caught:
        open_image(named(server.address, "app:1"), access)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_credentials_go_to_no_realm_without_tls_on_another_host(scripted, reply, named, access, log_in):
    realm = 'Bearer realm="http://registry.example.com/token",service="x"'
    server = scripted(lambda h, said: reply(h, 401, WWW_Authenticate=realm))
    log_in(server.address, auth=SECRET)
    with pytest.raises(AccessDenied, match=r"http://registry.example.com/token, without TLS"):
        open_image(named(server.address, "app:1"), access)


def test_a_redirect_to_another_host_carries_no_authorization(scripted, content, reply, named, access, log_in):
    other = scripted(content)
    blob = f"/v2/app/blobs/{content.image.layers[0].descriptor.digest}"

    def redirecting(handler, said):
        if "authorization" not in said.headers:
            return reply(handler, 401, WWW_Authenticate='Basic realm="r"')
        if said.path == blob:
            return reply(handler, 307, Location=f"http://{other.address}{blob}")
        return content(handler, said)

    server = scripted(redirecting)
    log_in(server.address, auth=SECRET)
    with open_image(named(server.address, "app:1"), access).layers[0].open() as stream:
        assert stream.read() == content.found[blob][0]
    assert (len(other.seen), other.secrets()) == (1, [])


def test_a_redirect_away_and_back_carries_no_authorization(scripted, content, reply, named, access, log_in):
    def away(handler, said):
        reply(handler, 307, Location=f"http://{server.address}/v2/secret")

    def redirecting(handler, said):
        if "authorization" not in said.headers:
            return reply(handler, 401, WWW_Authenticate='Basic realm="r"')
        return reply(handler, 307, Location=f"http://{other.address}/")

    other, server = scripted(away), scripted(redirecting)
    log_in(server.address, auth=SECRET)
    with pytest.raises(AccessDenied):
        open_image(named(server.address, "app:1"), access)
    assert [said.headers.get("authorization") for said in server.seen if said.path == "/v2/secret"] == [None]


def test_a_challenge_of_the_host_redirected_to_is_not_answered(scripted, reply, named, access, log_in):
    other = scripted(lambda h, said: reply(h, 401, WWW_Authenticate='Basic realm="r"'))
    server = scripted(lambda h, said: reply(h, 302, Location=f"http://{other.address}/x"))
    log_in(server.address, auth=SECRET)
    with pytest.raises(SlimmlError):
        open_image(named(server.address, "app:1"), access)
    assert server.secrets() + other.secrets() == []


def test_a_redirect_to_a_file_is_refused(scripted, reply, named, access):
    server = scripted(lambda h, said: reply(h, 302, Location="file:///etc/passwd"))
    with pytest.raises(Unavailable, match="is not an http or https URL"):
        open_image(named(server.address, "app:1"), access)


def test_redirects_in_a_circle_end(scripted, reply, named, access):
    server = scripted(lambda h, said: reply(h, 302, Location="/v2/"))
    with pytest.raises(Unavailable, match="redirects more than 5 times"):
        open_image(named(server.address, "app:1"), access)


def foreign(content, *urls):
    descriptor = content.image.layers[0].descriptor
    return replace(descriptor, media_type=f"{DOCKER_FOREIGN_LAYER}.gzip", urls=urls)


def test_a_foreign_layer_comes_from_its_address_without_credentials(
    scripted, content, reply, repository, access, log_in
):
    data = content.image.layers[0].open().read()
    elsewhere = scripted(lambda h, said: reply(h, 200, data))
    server = scripted(content)
    log_in(server.address, auth=SECRET)
    log_in(elsewhere.address, auth=SECRET)
    descriptor = foreign(content, f"http://{elsewhere.address}/layer")
    with repository(server).open_blob(descriptor) as stream:
        assert stream.read() == data
    assert elsewhere.secrets() == []


def test_a_foreign_address_that_wants_a_login_gets_none(scripted, reply, content, repository, log_in):
    elsewhere = scripted(lambda h, said: reply(h, 401, WWW_Authenticate='Basic realm="r"'))
    log_in(elsewhere.address, auth=SECRET)
    descriptor = foreign(content, f"http://{elsewhere.address}/layer")
    with repository(scripted(content)).open_blob(descriptor) as stream:
        assert stream.read() == content.image.layers[0].open().read()
    assert elsewhere.secrets() == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/x", "//x", "http://[", ""])
def test_a_foreign_address_is_http_or_nothing(scripted, content, repository, url):
    content.found.pop(f"/v2/app/blobs/{content.image.layers[0].descriptor.digest}")
    with pytest.raises((NotFound, Unavailable)):
        repository(scripted(content)).open_blob(foreign(content, url))


def test_addresses_of_layers_that_may_be_pushed_are_not_followed(scripted, content, reply, repository):
    elsewhere = scripted(lambda h, said: reply(h, 200, b""))
    descriptor = replace(content.image.layers[0].descriptor, urls=(f"http://{elsewhere.address}/",))
    repository(scripted(content)).open_blob(descriptor).close()
    assert elsewhere.seen == []


def test_an_upload_is_not_led_to_another_host_with_our_authorization(
    scripted, reply, make_image, named, access, hasty, log_in
):
    from slimml.oci.places.registry import write_image

    other = scripted(lambda h, said: reply(h, 500))

    def leading(handler, said):
        if "authorization" not in said.headers:
            return reply(handler, 401, WWW_Authenticate='Basic realm="r"')
        if said.method == "POST":
            return reply(handler, 202, Location=f"http://{other.address}/upload")
        return reply(handler, 404)

    server = scripted(leading)
    log_in(server.address, auth=SECRET)
    with pytest.raises(SlimmlError):
        write_image(make_image("a"), named(server.address, "app:1"), access, patience=hasty)
    assert other.secrets() == []


def test_a_registry_that_stores_something_else_is_found_out(scripted, reply, make_image, named, access, hasty):
    from slimml.oci.places.registry import write_image

    def lying(handler, said):
        reply(handler, 201 if said.method == "PUT" else 200, Docker_Content_Digest=sha256(b"other"))

    with pytest.raises(InvalidImage, match="the registry stored"):
        write_image(make_image("a"), named(scripted(lying).address, "app:1"), access, patience=hasty)


def test_a_blob_shorter_than_asked_for_is_damaged(scripted, reply, repository):
    server = scripted(lambda h, said: reply(h, 416 if "range" in said.headers else 200))
    with pytest.raises(InvalidImage, match="is shorter than its descriptor says"):
        repository(server).open_blob(Descriptor("x", sha256(b"x" * 10), 10), 5)


@pytest.mark.parametrize("life", ["9" * 400, "-1", "0", "true", '"x"', "1e999", "NaN", "[]"])
def test_a_token_that_says_nonsense_of_its_life_is_used(scripted, content, reply, named, access, life):
    def asking(handler, said):
        if said.path.startswith("/token"):
            return reply(handler, 200, f'{{"token": "t", "expires_in": {life}}}'.encode())
        if "authorization" not in said.headers:
            return reply(handler, 401, WWW_Authenticate=f'Bearer realm="http://{server.address}/token",service="s"')
        return content(handler, said)

    server = scripted(asking)
    assert open_image(named(server.address, "app:1"), access).layers


@pytest.mark.parametrize("forged", [{"manifests": []}, {"mediaType": OCI_INDEX}, {"schemaVersion": 1}, {"layers": 7}])
def test_a_document_that_is_two_things_is_refused(scripted, content, named, access, forged):
    document = json.loads(content.image.manifest.raw) | forged
    content.found["/v2/app/manifests/1"] = (json.dumps(document).encode(), OCI_MANIFEST)
    with pytest.raises((InvalidImage, Unsupported)):
        open_image(named(scripted(content).address, "app:1"), access)


def test_a_manifest_announced_as_an_index_is_refused(scripted, content, named, access):
    document = json.loads(content.image.manifest.raw) | {"mediaType": OCI_MANIFEST}
    content.found["/v2/app/manifests/1"] = (json.dumps(document).encode(), OCI_INDEX)
    with pytest.raises(InvalidImage, match="CVE-2021-41190"):
        open_image(named(scripted(content).address, "app:1"), access)
