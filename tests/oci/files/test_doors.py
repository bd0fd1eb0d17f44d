"""A bare name is asked of an engine, then of its registry; every error tells what both said."""

import pytest
from tiny_image import tiny

from slimml.errors import NotFound, SlimmlError, Unavailable
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image, write_image

NOWHERE = Access(engine="unix:///nonexistent/engine.sock", insecure=True)


def test_a_bare_name_that_nobody_answers_for_tells_of_engine_and_registry():
    with pytest.raises((Unavailable, NotFound)) as caught:
        open_image(parse_reference("127.0.0.1:9/app:tag"), NOWHERE)
    assert "/nonexistent/engine.sock" in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)


def test_a_bare_name_is_written_to_the_engine():
    with pytest.raises(SlimmlError, match=r"engine\.sock"):
        write_image(tiny({"a": b"1"}), parse_reference("app:tag"), NOWHERE)
