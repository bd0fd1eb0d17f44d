"""Layered images in a few lines, and an engine in twenty: what a container sees, worked out from the tars alone."""

import io
import tarfile
from dataclasses import dataclass

import numpy as np
from tiny_image import read_layers, tiny

from slimml.bloat.finding import Action, Finding, Risk

TIME = 1_700_000_000
IMPLIED = (tarfile.DIRTYPE, "", 0o755, 0, 0)
"""a directory that no entry tells of"""


@dataclass(frozen=True)
class Item:
    """One entry of a layer, by its name in the tar."""

    name: str
    type: bytes = tarfile.REGTYPE
    content: bytes = b""
    link: str = ""
    mode: int = 0o644
    uid: int = 0
    mtime: int = TIME
    pax: tuple = ()


def file(name, content=b"content", **more):
    return Item(name, content=content, **more)


def folder(name, **more):
    return Item(name, tarfile.DIRTYPE, **({"mode": 0o755} | more))


def symlink(name, to):
    return Item(name, tarfile.SYMTYPE, link=to)


def hardlink(name, to, **more):
    return Item(name, tarfile.LNKTYPE, link=to, **more)


def whiteout(path):
    parent, slash, name = path.rpartition("/")
    return Item(f"{parent}{slash}.wh.{name}")


def opaque(path):
    return Item(f"{path}/.wh..wh..opq")


def tar_of(items):
    """A layer's tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for item in items:
            member = tarfile.TarInfo(item.name)
            member.type, member.linkname, member.mode = item.type, item.link, item.mode
            member.uid, member.mtime, member.size = item.uid, item.mtime, len(item.content)
            member.uname = "root"
            member.pax_headers = dict(item.pax)
            tar.addfile(member, io.BytesIO(item.content))
    return out.getvalue()


def image_of(*layers, **more):
    """An image of layers given as lists of items."""
    return tiny(*(tar_of(items) for items in layers), **more)


def root_of(image):
    """The merged root of an image: {path: (type, content or link, mode, uid, mtime)}; hard links are files."""
    root = {}
    for data in read_layers(image):
        apply(root, data)
    return root


def apply(root, data):
    """Apply one layer as an engine does: whiteouts first, as they hide lower layers only, then entries in order."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [(member, tar.extractfile(member).read() if member.isreg() else b"") for member in tar]
    for member, _ in members:
        parent, _, name = member.name.rpartition("/")
        if name == ".wh..wh..opq":
            remove(root, parent, itself=False)
        elif name.startswith(".wh."):
            remove(root, f"{parent}/{name[4:]}".lstrip("/"))
    for member, content in members:
        if member.name.rpartition("/")[2].startswith(".wh."):
            continue
        for parent in (member.name[:cut] for cut in range(len(member.name)) if member.name[cut] == "/"):
            root.setdefault(parent, IMPLIED)
        if not member.isdir():
            remove(root, member.name, itself=False)
        told = (member.mode, member.uid, int(member.mtime))
        if member.islnk():
            kind, what, *_ = root[member.linkname]
            root[member.name] = (kind, what, *told)
        else:
            kind = tarfile.REGTYPE if member.isreg() else member.type
            root[member.name] = (kind, content if member.isreg() else member.linkname, *told)


def remove(root, path, itself=True):
    for other in [known for known in root if known.startswith(f"{path}/") or (itself and known == path)]:
        del root[other]


def finding(rows, action=Action.DROP, rule="test", risk=Risk.SAFE, **more):
    """A finding about rows, without its account of bytes."""
    chosen = np.array(sorted(rows), dtype=np.int64)
    return Finding(rule, "title", risk, action, chosen, 0, 0, (), "fix", "reason", **more)


def rows_at(inventory, *paths):
    """All rows at these paths, live or not."""
    return [row for row, path in enumerate(inventory.paths) if path in paths]
