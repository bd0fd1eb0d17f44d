"""The small rules of the protocol: challenges, where secrets may go, texts of servers, waiting."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from slimml.errors import Unavailable, UsageError
from slimml.oci.places.registry import patience
from slimml.oci.places.registry.auth import parse_challenges
from slimml.oci.places.registry.origin import Origin, is_loopback, keeps_secrets, origin_of
from slimml.oci.places.registry.patience import Patience
from slimml.oci.places.registry.tls import context_for
from slimml.oci.places.registry.wording import complaint, shown


def test_a_bearer_challenge():
    (found,) = parse_challenges('Bearer realm="https://a.example/t",service="x",scope="repository:a/b:pull,push"')
    assert found.scheme == "bearer"
    expected = {"realm": "https://a.example/t", "service": "x", "scope": "repository:a/b:pull,push"}
    assert found.parameters == expected


def test_two_challenges_in_one_header():
    found = parse_challenges('Basic realm="a, b", Bearer realm = "c"')
    assert [(one.scheme, one.parameters) for one in found] == [("basic", {"realm": "a, b"}), ("bearer", {"realm": "c"})]


def test_quoted_pairs_and_bare_words():
    (found,) = parse_challenges(r'BEARER Realm="a\"b",Service=plain')
    assert found.parameters == {"realm": 'a"b', "service": "plain"}


@pytest.mark.parametrize("header", ["", ",,,", '"', "=a", 'realm="x"', "Bearer realm=", 'a="' * 20000])
def test_nonsense_is_no_challenge_with_a_realm(header):
    assert all("realm" not in one.parameters for one in parse_challenges(header))


@pytest.mark.parametrize(
    ("registry", "realm", "kept"),
    [
        ("https://r.example", "https://auth.example/t", True),
        ("https://r.example", "http://r.example/t", False),
        ("https://r.example", "http://127.0.0.1/t", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:6000/t", True),
        ("http://r.example", "http://r.example/t", True),
        ("http://r.example", "http://other.example/t", False),
    ],
)
def test_where_a_secret_may_go(registry, realm, kept):
    assert keeps_secrets(origin_of(registry), origin_of(realm)) is kept


def test_an_origin_has_its_port_and_no_user():
    assert origin_of("https://user:pass@Example.COM/path") == Origin("https", "example.com", 443)


@pytest.mark.parametrize("url", ["ftp://a/", "file:///etc/passwd", "//a", "http://", "http://[x/", "http://a:99999/"])
def test_what_is_no_http_url(url):
    with pytest.raises(Unavailable):
        origin_of(url)


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("127.3.2.1", True), ("::1", True), ("127.0.0.1.example.com", False), ("10.0.0.1", False)],
)
def test_what_is_this_machine(host, local):
    assert is_loopback(host) is local


def test_text_is_shown_on_one_line_without_controls():
    assert shown("a\x1b[31m\r\n\tb\u202e\u200bc\x00") == "a[31m bc"


def test_long_text_is_shortened():
    assert len(shown("x" * 10_000)) == 200


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b'{"errors":[]}', b'{"errors":{}}', b'{"errors":[1]}', b"\xff"])
def test_an_error_that_says_nothing(body):
    assert complaint(body) == ""


def test_an_error_says_its_message():
    assert complaint(b'{"errors":[{"code":"DENIED","message":"no\\u001b[0m"}]}') == "no[0m"


PAST = format_datetime(datetime.now(UTC) - timedelta(days=1))


@pytest.fixture
def waits(monkeypatch):
    """The seconds that were to be waited, which pass at once."""
    asked = []
    monkeypatch.setattr(patience.time, "sleep", asked.append)
    return asked


@pytest.mark.parametrize("header", ["0", pytest.param(PAST, id="yesterday"), "Mon, 01 Jan 2001 00:00:00"])
def test_retry_after_that_is_past_does_not_wait(header, waits):
    Patience(first_wait=1000, longest_wait=1000).pause(1, header)
    assert waits == [0]


@pytest.mark.parametrize("header", ["86400000", "9" * 5000, "soon", None])
def test_no_wait_is_longer_than_the_longest(header, waits):
    Patience(first_wait=1000, longest_wait=7).pause(1, header)
    assert waits == [7]


def test_certificates_are_verified():
    context = context_for("r.example", 443, insecure=False)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_damaged_certificate_is_named(tmp_path, monkeypatch):
    directory = tmp_path / "docker/certs.d/r.example:5000"
    directory.mkdir(parents=True)
    (directory / "ca.crt").write_text("nothing")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"r\.example:5000/ca\.crt is not a usable certificate"):
        context_for("r.example", 5000, insecure=False)
