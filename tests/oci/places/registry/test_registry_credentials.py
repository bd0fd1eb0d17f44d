"""Which login of which file is used for a repository."""

import base64
import json

import pytest

from slimml.errors import UsageError
from slimml.oci.places.registry.credentials import Credential, find_credential


def encoded(text):
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home in which nobody has logged in; returns a function that writes a file below it."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def write(path, content):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else json.dumps(content))
        return target

    return write


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Installs a credential helper: a shell script."""

    def install(name, script):
        directory = tmp_path / "bin"
        directory.mkdir(exist_ok=True)
        path = directory / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")

    return install


def test_nobody_logged_in(home):
    assert find_credential("example.com", "app").credential is None


@pytest.mark.parametrize(
    "key", ["example.com", "https://example.com", "https://example.com/v1/", "http://example.com/v2/", "example.com/"]
)
def test_a_key_of_docker_in_any_spelling(home, key):
    home(".docker/config.json", {"auths": {key: encoded("ali:x:y")}})
    assert find_credential("example.com", "app").credential == Credential("ali", "x:y")


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"])
def test_docker_hub_has_many_names(home, key):
    home(".docker/config.json", {"auths": {key: encoded("ali:x")}})
    assert find_credential("docker.io", "library/debian").credential == Credential("ali", "x")


def test_another_port_is_another_registry(home):
    home(".docker/config.json", {"auths": {"example.com:5000": encoded("ali:x")}})
    assert find_credential("example.com", "app").credential is None


def test_the_most_particular_namespace_wins(home):
    auths = {"example.com": encoded("a:1"), "example.com/team": encoded("b:2"), "example.com/teams": encoded("c:3")}
    home(".docker/config.json", {"auths": auths})
    assert find_credential("example.com", "team/app").credential == Credential("b", "2")


def test_docker_config_moves_the_file(home, tmp_path, monkeypatch):
    home("elsewhere/config.json", {"auths": {"example.com": encoded("ali:x")}})
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "elsewhere"))
    assert find_credential("example.com", "app").credential == Credential("ali", "x")


def test_podmans_file_is_read_after_dockers(home, tmp_path, monkeypatch):
    home(".docker/config.json", {"auths": {"one.example.com": encoded("docker:x")}})
    both = {"auths": {"one.example.com": encoded("podman:x"), "two.example.com": encoded("podman:x")}}
    home("run/containers/auth.json", both)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    users = [find_credential(f"{host}.example.com", "app").credential.username for host in ("one", "two")]
    assert users == ["docker", "podman"]


def test_registry_auth_file_comes_first(home, monkeypatch):
    home(".docker/config.json", {"auths": {"example.com": encoded("docker:x")}})
    named = home("mine.json", {"auths": {"example.com": encoded("mine:x")}})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(named))
    assert find_credential("example.com", "app").credential.username == "mine"


def test_an_identity_token(home):
    home(".docker/config.json", {"auths": {"example.com": {"identitytoken": "t"}}})
    assert find_credential("example.com", "app").credential == Credential(identity_token="t")


def test_the_store_is_asked_for_docker_hub_by_its_old_url(home, helper):
    helper("cave", 'read server; echo "{\\"Username\\": \\"ali\\", \\"Secret\\": \\"$server\\"}"')
    home(".docker/config.json", {"credsStore": "cave"})
    assert find_credential("docker.io", "library/a").credential == Credential("ali", "https://index.docker.io/v1/")


def test_a_registrys_own_helper_goes_before_the_store(home, helper):
    helper("store", "exit 1")
    helper("own", """echo '{"Username": "own", "Secret": "x"}'""")
    home(".docker/config.json", {"credsStore": "store", "credHelpers": {"example.com": "own"}})
    assert find_credential("example.com", "app").credential.username == "own"


def test_a_helper_may_give_an_identity_token(home, helper):
    helper("cave", """echo '{"Username": "<token>", "Secret": "t"}'""")
    home(".docker/config.json", {"credsStore": "cave"})
    assert find_credential("example.com", "app").credential == Credential(identity_token="t")


def test_a_helper_that_has_nothing_is_no_trouble(home, helper):
    helper("cave", 'echo "credentials not found in native keychain"; exit 1')
    home(".docker/config.json", {"credsStore": "cave"})
    assert find_credential("example.com", "app").trouble == ""


def test_a_helper_that_fails_is_told_of(home, helper):
    helper("cave", "printf 'the cave is \\033[31mlocked'; exit 1")
    home(".docker/config.json", {"credsStore": "cave"})
    assert find_credential("example.com", "app").trouble == "docker-credential-cave failed: the cave is [31mlocked"


def test_a_helper_that_is_not_installed_is_told_of(home):
    home(".docker/config.json", {"credsStore": "nowhere"})
    trouble = find_credential("example.com", "app").trouble
    assert trouble == "docker-credential-nowhere cannot be run: No such file or directory"


@pytest.mark.parametrize("name", ["../../tmp/evil", "a b", "a;b", "-x"])
def test_the_name_of_a_helper_is_no_path_and_no_command(home, name):
    home(".docker/config.json", {"credsStore": name})
    with pytest.raises(UsageError, match="cannot be the name of a credential helper"):
        find_credential("example.com", "app")


@pytest.mark.parametrize(
    "content",
    ["{", "[]", {"auths": []}, {"auths": {"example.com": {"auth": "?"}}}, {"auths": {"example.com": {"auth": 1}}}],
)
def test_a_damaged_file_is_named(home, content):
    home(".docker/config.json", content)
    with pytest.raises(UsageError, match=r"\.docker/config\.json"):
        find_credential("example.com", "app")


def test_secrets_are_not_shown():
    assert "hush" not in repr(Credential("ali", "hush", "hush", "hush"))
