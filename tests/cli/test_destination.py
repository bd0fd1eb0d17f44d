"""Where a new image goes: said in full, named beside the old one, or the old name with -slim."""

import pytest

from slimml.cli.destination import choose_destination
from slimml.errors import Refused, UsageError
from slimml.oci.reference import parse_reference


def chosen(image, found=None, tag=None, output=None):
    return str(choose_destination(parse_reference(image), parse_reference(found or image), tag, output))


@pytest.mark.parametrize(
    ("image", "result"),
    [
        ("docker-daemon:app:1", "docker-daemon:app:1-slim"),
        ("docker-daemon:app", "docker-daemon:app:latest-slim"),
        ("docker://example.org/team/app:1", "docker://example.org/team/app:1-slim"),
        ("oci:dir:v1", "oci:dir:v1-slim"),
        ("oci-archive:a.tar:v1", "oci-archive:a-slim.tar:v1-slim"),
    ],
)
def test_the_default_is_the_old_name_with_slim(image, result):
    assert chosen(image) == result


@pytest.mark.parametrize(
    ("image", "tag", "result"),
    [
        ("docker-daemon:app:1", "app:small", "docker-daemon:app:small"),
        ("docker://example.org/app:1", "example.org/other:2", "docker://example.org/other:2"),
        ("oci:dir:v1", "small", "oci:dir:small"),
        ("oci-archive:a.tar:v1", "small", "oci-archive:a-slim.tar:small"),
        ("docker-archive:a.tar:app:1", "app:2", "docker-archive:a-slim.tar:app:2"),
    ],
)
def test_a_tag_names_the_result_beside_the_image(image, tag, result):
    assert chosen(image, tag=tag) == result


def test_an_output_says_it_in_full():
    assert chosen("app", "docker-daemon:app", output="oci:out:x") == "oci:out:x"


def test_a_bare_name_stays_in_the_engine_that_had_it():
    assert chosen("app", "docker-daemon:app") == "docker-daemon:app:latest-slim"


def test_a_bare_name_out_of_a_registry_is_not_pushed_unasked():
    with pytest.raises(Refused, match="say where the result goes"):
        chosen("python:3.11", "docker://python:3.11")


def test_an_image_id_needs_a_name():
    identity = "docker-daemon:sha256:" + "a" * 64
    with pytest.raises(UsageError, match="an image ID has no tag"):
        chosen(identity)
    assert chosen(identity, tag="app:small") == "docker-daemon:app:small"


def test_a_tag_and_an_output_are_too_much():
    with pytest.raises(UsageError, match="not both"):
        chosen("app", "docker-daemon:app", tag="x", output="oci:y")
