"""Engines pull from a registry on this machine, with logins where it wants them."""

import base64
import json

import pytest
from busybox_image import busybox_image

from slimml.engine.daemon.pull import DaemonPuller
from slimml.errors import NotFound, SlimmlError
from slimml.oci.reference import Reference, Transport, parse_name
from slimml.oci.transfer import Access, write_image

# bcrypt of "open sesame", which the registry's htpasswd asks for
HTPASSWD = "ali:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"
LOGIN = base64.b64encode(b"ali:open sesame").decode()
IMAGE = busybox_image({"Env": ["PULLED=1"]})


@pytest.fixture
def puller(daemon):
    return DaemonPuller(daemon.engine)


@pytest.fixture
def pushed(registry):
    """The name of an image in a registry."""
    name = parse_name(f"{registry}/team/box:1")
    write_image(IMAGE, Reference(Transport.REGISTRY, name), Access(insecure=True))
    return name


def test_an_image_is_pulled_and_removed(puller, pushed):
    assert not puller.has(pushed)
    puller.pull(pushed)
    assert puller.diff_ids(pushed) == IMAGE.config.diff_ids
    puller.remove(pushed)
    assert not puller.has(pushed)
    with pytest.raises(NotFound):
        puller.diff_ids(pushed)


def test_an_image_is_pulled_by_digest(puller, pushed):
    name = parse_name(f"{pushed.registry}/{pushed.repository}@{IMAGE.manifest.digest}")
    puller.pull(name)
    assert puller.diff_ids(name) == IMAGE.config.diff_ids
    puller.remove(name)


def test_what_is_not_there_is_told_in_the_engines_words(puller, registry):
    with pytest.raises(SlimmlError, match=r"(?i)not found|manifest unknown"):
        puller.pull(parse_name(f"{registry}/nothing:1"))


def test_removing_what_is_not_there_is_no_error(puller, registry):
    puller.remove(parse_name(f"{registry}/nothing:1"))


def test_a_registry_that_is_not_running_is_told(puller):
    with pytest.raises(SlimmlError, match="refused"):
        puller.pull(parse_name("127.0.0.1:1/nothing:1"))


def test_the_login_of_the_registry_is_handed_on(puller, start_registry, tmp_path, monkeypatch):
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    address = start_registry(auth={"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}})
    (tmp_path / "config.json").write_text(json.dumps({"auths": {address: {"auth": LOGIN}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    name = parse_name(f"{address}/box:1")
    write_image(IMAGE, Reference(Transport.REGISTRY, name), Access(insecure=True))
    puller.pull(name)
    assert puller.has(name)
    puller.remove(name)
