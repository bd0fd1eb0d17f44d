"""The unpacker against images that want out of their directory (attack cases 1 to 5, 15, 16, 20)."""

import os
import tarfile
from contextlib import suppress
from dataclasses import replace

import pytest
from hostile_layouts import ATTACKS
from layered_image import Item, file, folder, hardlink, image_of, symlink, whiteout

from slimml.engine.bare.unpack import unpack_image
from slimml.errors import LimitExceeded, SlimmlError
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image

SECRET = b"the host's secret"


@pytest.fixture
def host(tmp_path):
    """A directory beside the root that images are unpacked into, with a file that only its owner may read."""
    (tmp_path / "host/inner").mkdir(parents=True)
    (tmp_path / "host/file").write_bytes(SECRET)
    (tmp_path / "host/file").chmod(0o600)
    (tmp_path / "root").mkdir()
    return tmp_path / "host"


def state(directory):
    """All that an attack could change."""
    found = {}
    for path in (directory, *directory.rglob("*")):
        facts = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[path] = (facts.st_mode, facts.st_uid, facts.st_nlink, facts.st_mtime_ns, facts.st_ino, content)
    return found


def to(target):
    return symlink("way", target)


# {host} stands for the absolute path of a directory outside the root, which lies at ../host as well.
WAYS = {
    "write through a link": [[to("{host}"), file("way/file", b"owned")]],
    "write through a link below": [[to("{host}")], [file("way/file", b"owned")]],
    "write through a link that climbs": [[to("../host"), file("way/file", b"owned")]],
    "write through links of links": [[symlink("a", "/.."), to("a/../../host"), file("way/file", b"owned")]],
    "write onto a link": [[to("{host}/file")], [file("way", b"owned")]],
    "mode of a directory that is a link": [[to("{host}")], [folder("way", mode=0o777)]],
    "mode of a directory beneath a link": [[to("{host}")], [folder("way/inner", mode=0o6777)]],
    "mode of a file beneath a link": [[to("{host}")], [file("way/file", SECRET, mode=0o4777)]],
    "mode of a hard link to a link": [[to("{host}/file"), hardlink("b", "way", mode=0o4777)], [file("b", mode=0o777)]],
    "hard link beneath a link": [[to("{host}"), hardlink("b", "way/file")], [file("b", b"owned")]],
    "owner of a file beneath a link": [[to("{host}")], [file("way/file", SECRET, uid=1234)]],
    "whiteout beneath a link": [[to("{host}")], [whiteout("way/file")]],
    "opaque link": [[to("{host}")], [file("way/.wh..wh..opq")]],
    "fifo onto a link": [[to("{host}/file")], [Item("way", tarfile.FIFOTYPE)]],
    "device onto a link": [[to("{host}/file")], [Item("way", tarfile.CHRTYPE)]],
    "link beneath a link": [[to("{host}")], [symlink("way/file", "/etc/passwd")]],
    "proc as a link": [[symlink("proc", "{host}"), file("proc/file", b"owned")]],
}


def placed(layers, host):
    return [[replace(item, link=item.link.replace("{host}", str(host))) for item in layer] for layer in layers]


@pytest.mark.parametrize("way", list(WAYS))
def test_no_link_leads_an_unpacked_image_out(host, way):
    before = state(host)
    with suppress(SlimmlError):
        unpack_image(image_of(*placed(WAYS[way], host)), host.parent / "root")
    assert state(host) == before
    assert sorted(os.listdir(host.parent)) == ["host", "root"]


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.case in (1, 2, 3, 4, 5, 15, 16)])
def test_an_attack_that_is_unpacked_stays_in_its_directory(host, name):
    ATTACKS[name].put(host.parent / "layout")
    before = state(host)
    with suppress(SlimmlError):
        unpack_image(open_image(parse_reference(f"oci:{host.parent}/layout")), host.parent / "root")
    assert state(host) == before
    assert sorted(os.listdir(host.parent)) == ["host", "layout", "root"]


def test_a_bomb_does_not_fill_the_disk(host):
    ATTACKS["bomb-gzip"].put(host.parent / "layout")
    with pytest.raises(LimitExceeded, match="ratio"):
        unpack_image(open_image(parse_reference(f"oci:{host.parent}/layout")), host.parent / "root")
    written = sum(path.lstat().st_blocks * 512 for path in (host.parent / "root").rglob("*"))
    assert written < 1 << 30
