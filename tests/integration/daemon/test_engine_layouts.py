"""Images in other layers, unpacked by engines: a container has the files of the original with all their attributes."""

import io
import json
import tarfile

import pytest
from application_image import application
from layered_image import file, folder, hardlink, image_of, opaque, symlink, whiteout
from seen_root import seen

from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.oci.places.daemon import open_image, write_image
from slimml.oci.reference import parse_reference
from slimml.slim.layout.asked import Layout
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan

OWN = {".dockerenv", "run/.containerenv", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"}
"""files that engines make in each container; the directories that hold them get its time"""
TOUCHED = {"dev", "dev/console", "dev/pts", "dev/shm", "etc", "proc", "run", "sys", ""}

SRV = folder("srv", mode=0o711)
"""in each layer that has something in it, as builds write layers: what no entry tells of engines make anew"""

LAYERED = image_of(
    [folder("etc"), folder("old", mode=0o700), file("old/a", b"1"), file("old/b", b"2"), file("gone", b"3" * 9000)],
    [
        SRV,
        file("srv/x", b"x" * 50_000, mode=0o4755, uid=7),
        hardlink("srv/y", "srv/x", mode=0o4755, uid=7),
    ],
    [
        whiteout("gone"),
        folder("old"),
        opaque("old"),
        file("old/c", b"4"),
        symlink("srv/link", "x"),
        file("etc/app", b"5"),
    ],
    [SRV, file("srv/z", b"z" * 70_000), folder("empty", mode=0o1777), whiteout("srv/link")],
)


def daemon(name):
    return parse_reference(f"docker-daemon:{name}")


def seen_by(engine, name, image):
    """{path: what is told of it} of a container made of an image; directories that no layer tells of have no time."""
    implied = {path for path, (told, _) in seen(image).items() if told[5] == "0"}
    asked = json.dumps({"Image": name, "Cmd": ["/none"]}).encode()
    made = json.loads(engine.api.call("POST", "/containers/create", asked, "application/json"))["Id"]
    try:
        exported = engine.api.call("GET", f"/containers/{made}/export")
    finally:
        engine.api.call("DELETE", f"/containers/{made}")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(exported)) as tar:
        for member in tar:
            content = tar.extractfile(member).read() if member.isreg() else member.linkname
            told = (member.type, member.mode & 0o7777, member.uid, member.gid, content)
            path = member.name.removeprefix("./").strip("/")
            if path not in OWN and path not in TOUCHED:
                found[path] = told if path in implied else (*told, int(member.mtime))
    return found


@pytest.mark.parametrize("image", [LAYERED, application()], ids=["whiteouts and links", "an application"])
def test_a_container_has_the_same_files(engine, tmp_path, image):
    inventory = take_inventory(image)
    plan = make_plan(inventory, [], Options(layout=Layout()))
    result = carry_out(inventory, plan, BlobStore(tmp_path / "store")).image
    write_image(image, daemon("laid:1"), engine.access())
    write_image(result, daemon("laid:2"), engine.access())
    assert seen_by(engine, "laid:2", image) == seen_by(engine, "laid:1", image)


def test_a_container_has_the_same_files_on_top_of_a_previous_image(engine, tmp_path):
    store = BlobStore(tmp_path / "store")
    first, second = application(), application({"small": "2"}, code=b"print(2)\n")
    for name, image in (("1", first), ("2", second)):
        inventory = take_inventory(image)
        previous = open_image(daemon("update:1-laid"), engine.access()) if name == "2" else None
        plan = make_plan(inventory, [], Options(layout=Layout(previous=previous)))
        slimmed = carry_out(inventory, plan, store)
        write_image(image, daemon(f"update:{name}"), engine.access())
        write_image(slimmed.image, daemon(f"update:{name}-laid"), engine.access())
    assert slimmed.relaid.kept > 0
    assert seen_by(engine, "update:2-laid", second) == seen_by(engine, "update:2", second)
