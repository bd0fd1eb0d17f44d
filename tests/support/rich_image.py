"""An image with something of all that a file system may hold, but devices and pipes; the same in two versions."""

import io
import random
import secrets
import tarfile

from tiny_image import tiny

TIME = 1_700_000_000
_SALT = secrets.token_bytes(16)
"""other layers in each run: Podman remembers those of earlier ones, wherever it kept them"""
CAPABILITY = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
"""cap_net_raw, permitted, as the kernel keeps it (vfs_cap_data, revision 2)"""


def noise(size, seed):
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(size)


def member(name, content=None, kind=tarfile.REGTYPE, **fields):
    """An entry; `fields` are those of TarInfo."""
    found = tarfile.TarInfo(name)
    found.type, found.mtime, found.mode = kind, TIME, 0o755 if kind == tarfile.DIRTYPE else 0o644
    found.size = len(content or b"")
    for key, value in fields.items():
        setattr(found, key, value)
    return found, content


def tar_of(members):
    """A tar of such entries."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content) if content else None)
    return out.getvalue()


def lower_layer(version=1, files=40, weights=9_000_000):
    """Owners, modes, links, attributes, long and foreign names, and files of several chunks."""
    return tar_of(
        [
            member("./", kind=tarfile.DIRTYPE),
            member("etc", kind=tarfile.DIRTYPE),
            member("etc/motd", b"hello\n" * 100, uid=1000, gid=33, mode=0o640, mtime=TIME + 0.25),
            member("etc/empty", uid=7),
            member("etc/link", kind=tarfile.SYMTYPE, linkname="../opt/Größe/daten"),
            member("etc/hard", kind=tarfile.LNKTYPE, linkname="etc/motd", uid=1000, gid=33, mode=0o640),
            member("sticky", kind=tarfile.DIRTYPE, mode=0o1777, gid=5),
            member("sticky/set", b"#!/bin/true\n", mode=0o6755, uid=3, gid=4),
            member("opt", kind=tarfile.DIRTYPE),
            member("opt/Größe", kind=tarfile.DIRTYPE, uid=9),
            member("opt/Größe/daten", b"umlaut"),
            member("opt/ping", b"x" * 600, pax_headers={"SCHILY.xattr.security.capability": CAPABILITY}),
            member("opt/tagged", b"y", pax_headers={"SCHILY.xattr.user.note": "a = b"}),
            member("long", kind=tarfile.DIRTYPE),
            member("long/" + "n" * 120, kind=tarfile.DIRTYPE),
            member("long/" + "n" * 120 + "/" + "m" * 120, b"far"),
            member("old", b"goes"),
            member("var", kind=tarfile.DIRTYPE),
            member("var/cache", kind=tarfile.DIRTYPE),
            member("var/cache/one", b"hidden"),
            member("weights", noise(weights, 1)),
            member("salt", _SALT),
            member("lib", kind=tarfile.DIRTYPE),
            *(member(f"lib/file{n}", noise(20_000, 100 + n)) for n in range(files)),
            member("app.py", b"VERSION = %d\n" % version, mtime=TIME + version),
        ]
    )


def upper_layer():
    """Whiteouts, and a file on top of another."""
    return tar_of(
        [
            member(".wh.old"),
            member("etc", kind=tarfile.DIRTYPE),
            member("var", kind=tarfile.DIRTYPE),
            member("var/cache", kind=tarfile.DIRTYPE),
            member("var/cache/.wh..wh..opq"),
            member("var/cache/two", b"seen"),
            member("etc/motd", b"changed", mode=0o600),
        ]
    )


def rich(version=1):
    """The image."""
    return tiny(lower_layer(version), upper_layer())
