"""References to files of a test's own directory."""

import pytest

from slimml.oci.reference import parse_reference


@pytest.fixture
def at(tmp_path):
    """`at("oci:out:tag")` is the reference with its path below the test's directory."""

    def reference(text):
        transport, _, rest = text.partition(":")
        return parse_reference(f"{transport}:{tmp_path}/{rest}")

    return reference
