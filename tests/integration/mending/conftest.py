"""The needy service, made once."""

import pytest
from needy_image import make_service


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """See needy_image.Service."""
    return make_service(tmp_path_factory.mktemp("service"))
