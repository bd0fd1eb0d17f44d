"""The demo from beginning to end."""

import io

import pytest

from slimml import demo
from slimml.errors import Refused


def test_a_directory_in_use_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="in use"):
        demo.run(tmp_path, out=io.StringIO())
