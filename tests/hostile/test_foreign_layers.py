"""Addresses in an image that is a file are told, never asked: no connection leaves this machine (attack case 17)."""

import socket
from contextlib import suppress

import pytest
from hostile_layouts import HONEST, blob

from slimml.errors import NotFound
from slimml.inventory.take import take_inventory
from slimml.oci.digest import sha256
from slimml.oci.media_types import DOCKER_FOREIGN_LAYER, OCI_LAYER, OCI_LAYER_NONDISTRIBUTABLE
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image, write_image
from slimml.oci.validate import validate


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as found:
        found.setblocking(False)
        yield found


@pytest.mark.parametrize("media_type", [DOCKER_FOREIGN_LAYER, OCI_LAYER_NONDISTRIBUTABLE, OCI_LAYER])
@pytest.mark.parametrize("use", [take_inventory, validate, "copy"])
def test_the_address_of_a_missing_layer_is_not_asked(tmp_path, listener, media_type, use):
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/layer"
    put = blob(HONEST, media_type=media_type, digest=sha256(b"elsewhere"), urls=[address, "file:///etc/passwd"])
    put(tmp_path / "layout")
    image = open_image(parse_reference(f"oci:{tmp_path}/layout"))
    with suppress(NotFound):
        if use == "copy":
            write_image(image, parse_reference(f"oci:{tmp_path}/copy"))
        else:
            use(image)
    with pytest.raises(BlockingIOError):
        listener.accept()
