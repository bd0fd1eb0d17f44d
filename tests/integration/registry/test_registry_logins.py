"""Logins against a real registry: basic over TLS with an authority of our own, and bearer tokens."""

import base64
import json
import subprocess
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from slimml.errors import AccessDenied, Unavailable
from slimml.oci.places.registry import open_image, write_image
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.repository import Repository
from slimml.oci.transfer import Access

# bcrypt of "open sesame", which the registry's htpasswd asks for
HTPASSWD = "ali:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"
ALI = base64.b64encode(b"ali:open sesame").decode()


def openssl(*arguments, **kwargs):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **kwargs).stdout


@pytest.fixture
def authority(tmp_path):
    """A certificate for 127.0.0.1, its key, and the authority that signed it."""
    directory = tmp_path / "tls"
    directory.mkdir()
    ca, ca_key, cert, key = (directory / name for name in ("ca.crt", "ca.key", "server.crt", "server.key"))
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    openssl(*new, "-subj", "/CN=test authority", "-keyout", ca_key, "-out", ca)
    extensions = ("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
    signed = ("-CA", ca, "-CAkey", ca_key)
    openssl(*new, "-subj", "/CN=127.0.0.1", *extensions, *signed, "-keyout", key, "-out", cert)
    return ca, cert, key


@pytest.fixture
def guarded(start_registry, authority, tmp_path):
    """A registry with TLS that lets ali in."""
    _, cert, key = authority
    htpasswd = tmp_path / "htpasswd"
    htpasswd.write_text(HTPASSWD)
    return start_registry(
        http={"tls": {"certificate": str(cert), "key": str(key)}},
        auth={"htpasswd": {"realm": "test", "path": str(htpasswd)}},
    )


@pytest.fixture
def trusting(guarded, authority, tmp_path, monkeypatch):
    """The same, its authority trusted for this registry alone."""
    directory = tmp_path / "config/docker/certs.d" / guarded
    directory.mkdir(parents=True)
    (directory / "ca.crt").write_bytes(authority[0].read_bytes())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return guarded


def test_push_and_pull_with_a_login(trusting, make_image, named, access, log_in):
    log_in(trusting, auth=ALI)
    image = make_image("a")
    write_image(image, named(trusting, "app:1"), access)
    assert open_image(named(trusting, "app:1"), access).manifest.digest == image.manifest.digest


def test_an_authority_of_ssl_cert_file_is_trusted(guarded, authority, make_image, named, access, log_in, monkeypatch):
    log_in(guarded, auth=ALI)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    assert write_image(make_image("a"), named(guarded, "app:1"), access).digest


def test_an_unknown_authority_is_refused(guarded, make_image, named, access, log_in):
    log_in(guarded, auth=ALI)
    with pytest.raises(Unavailable, match=rf"certificate of {guarded} cannot be verified; .*--insecure"):
        write_image(make_image("a"), named(guarded, "app:1"), access)


def test_insecure_takes_an_unknown_authority(guarded, make_image, named, access, log_in):
    log_in(guarded, auth=ALI)
    insecure = Access(platform=access.platform, insecure=True)
    assert write_image(make_image("a"), named(guarded, "app:1"), insecure).digest


def test_who_has_no_login_is_told_how_to_get_one(trusting, make_image, named, access):
    with pytest.raises(AccessDenied, match=rf"{trusting}/app: .*docker login {trusting}"):
        write_image(make_image("a"), named(trusting, "app:1"), access)


def test_a_wrong_password_is_denied(trusting, make_image, named, access, log_in):
    log_in(trusting, username="ali", password="open barley")
    with pytest.raises(AccessDenied, match="access denied"):
        write_image(make_image("a"), named(trusting, "app:1"), access)


def test_a_credential_helper_is_asked(trusting, make_image, named, access, tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    helper = programs / "docker-credential-cave"
    answer = json.dumps({"ServerURL": trusting, "Username": "ali", "Secret": "open sesame"})
    helper.write_text(f"#!/bin/sh\nread server\n[ \"$server\" = '{trusting}' ] && echo '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    config = tmp_path / "home/.docker/config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"credHelpers": {trusting: "cave"}}))
    assert write_image(make_image("a"), named(trusting, "app:1"), access).digest


class TokenServer:
    """Signs tokens as distribution's auth/jwt asks for; takes ali's password, or the refresh token "r3fresh"."""

    def __init__(self, key, certificate):
        self.key, self.life = key, 300
        der = openssl("x509", "-in", certificate, "-outform", "DER")
        self.header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        self.reply = None

    def __call__(self, handler, said):
        asked = parse_qs(said.body.decode() if said.method == "POST" else urlsplit(said.path).query)
        basic = said.headers.get("authorization") == f"Basic {ALI}"
        if not basic and asked.get("refresh_token") != ["r3fresh"]:
            return self.reply(handler, 401, b'{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}')
        scopes = [scope for text in asked["scope"] for scope in text.split()]
        access = [
            {"type": kind, "name": name, "actions": actions.split(",")}
            for kind, name, actions in (scope.split(":") for scope in scopes)
        ]
        now = int(time.time())
        claims = {"iss": "test", "sub": "ali", "aud": asked["service"][0], "access": access, "jti": str(now)}
        claims |= {"exp": now + self.life, "nbf": now - 10, "iat": now}
        token = json.dumps({"token": self.sign(claims), "expires_in": 300}).encode()
        return self.reply(handler, 200, token)

    def sign(self, claims):
        def encoded(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        signed = encoded(json.dumps(self.header).encode()) + b"." + encoded(json.dumps(claims).encode())
        signature = openssl("dgst", "-sha256", "-sign", self.key, input=signed)
        return (signed + b"." + encoded(signature)).decode()


@pytest.fixture
def tokens(authority, scripted, reply):
    """A token server."""
    ca = authority[0]
    server = TokenServer(ca.with_suffix(".key"), ca)
    server.reply = reply
    return scripted(server)


@pytest.fixture
def token_registry(start_registry, authority, tokens):
    token = {"realm": f"http://{tokens.address}/token", "service": "here", "issuer": "test"}
    return start_registry(auth={"token": token | {"rootcertbundle": str(authority[0])}})


def test_push_and_pull_with_tokens(token_registry, make_image, named, access, log_in):
    log_in(token_registry, auth=ALI)
    image = make_image("a", "b")
    write_image(image, named(token_registry, "app:1"), access)
    assert open_image(named(token_registry, "app:1"), access).manifest.digest == image.manifest.digest


def test_a_token_is_asked_for_once_per_scope(token_registry, tokens, make_image, named, access, log_in):
    log_in(token_registry, auth=ALI)
    write_image(make_image("a", "b", "c"), named(token_registry, "app:1"), access)
    assert [parse_qs(urlsplit(said.path).query)["scope"] for said in tokens.seen] == [["repository:app:pull,push"]]


def test_a_mount_asks_for_both_repositories(token_registry, make_image, named, access, log_in):
    log_in(token_registry, auth=ALI)
    write_image(make_image("a"), named(token_registry, "base:1"), access)
    found = open_image(named(token_registry, "base:1"), access)
    receipt = write_image(found, named(token_registry, "app:1"), access)
    assert receipt.reused_bytes >= found.compressed_bytes


def test_a_token_that_is_no_longer_good_is_replaced(token_registry, tokens, make_image, named, access, log_in):
    log_in(token_registry, auth=ALI)
    write_image(make_image("a"), named(token_registry, "app:1"), access)
    repository = Repository(Client(named(token_registry, "app").name, access))
    # Past its end, and past the minute that the registry allows for clocks that differ; `expires_in` lies.
    tokens.answering.life = -120
    with pytest.raises(AccessDenied):
        repository.document("1")
    tokens.answering.life = 300
    assert repository.document("1")


def test_an_identity_token_is_exchanged_by_post(token_registry, tokens, make_image, named, access, log_in):
    log_in(token_registry, identitytoken="r3fresh")
    write_image(make_image("a"), named(token_registry, "app:1"), access)
    assert [(said.method, "authorization" in said.headers) for said in tokens.seen] == [("POST", False)]


def test_a_token_server_that_refuses_is_quoted(token_registry, make_image, named, access):
    with pytest.raises(AccessDenied, match=r"who are you\?.*docker login"):
        write_image(make_image("a"), named(token_registry, "app:1"), access)
