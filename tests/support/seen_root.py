"""What a container sees of layers, worked out from the tars alone, with all that a file system keeps.

A second opinion on slimml's own merging: inodes are made, linked and overwritten one entry after the other.
"""

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass, field

import zstandard

from slimml.oci.media_types import Compression

PLAIN = {
    Compression.GZIP: lambda stream: gzip.GzipFile(fileobj=stream),
    Compression.ZSTD: lambda stream: zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True),
    Compression.NONE: lambda stream: stream,
}


class EnginesDisagree(Exception):
    """What one engine unpacks otherwise than another."""


@dataclass(eq=False)
class Inode:
    """One file; `told` is all that a container can see of it but for its names."""

    told: tuple
    directory: bool = False
    implied: bool = False
    names: set = field(default_factory=set)


def digest(file):
    return hashlib.file_digest(file, "sha256").digest()


def xattrs(member):
    return tuple(sorted(item for item in member.pax_headers.items() if "xattr" in item[0]))


def told_of(member, content):
    what = content if member.isreg() else member.linkname
    time = member.pax_headers.get("mtime", str(int(member.mtime))).rstrip("0").rstrip(".")
    time = time if "." in str(member.pax_headers.get("mtime", "")) else str(int(member.mtime))
    device = (member.devmajor, member.devminor) if member.ischr() or member.isblk() else ()
    kind = tarfile.REGTYPE if member.isreg() else member.type
    return (kind, what, member.mode & 0o7777, member.uid, member.gid, time, xattrs(member), device)


def lay_over(root, data):
    """Apply a layer's tar to {path: Inode}."""
    lay_stream_over(root, io.BytesIO(data))


def lay_stream_over(root, stream):
    """Apply a layer's tar, of which one file at a time is in memory; contents are told by their digests."""
    with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 16) as tar:
        members = [(member, digest(tar.extractfile(member)) if member.isreg() else b"") for member in tar]
    plain = []
    for member, content in members:
        member.name = "" if member.name == "." else member.name.removeprefix("./").strip("/")
        if member.islnk():
            member.linkname = member.linkname.removeprefix("./").strip("/")
        parent, _, name = member.name.rpartition("/")
        if name == ".wh..wh..opq":
            hide(root, parent, itself=False)
        elif name.startswith(".wh."):
            hide(root, f"{parent}/{name[4:]}".lstrip("/"))
        else:
            plain.append((member, content))
    for member, _ in plain:
        if not member.isdir() and member.name in root and root[member.name].directory:
            hide(root, member.name)
    for member, content in plain:
        lay_entry(root, member, content)


def lay_entry(root, member, content):
    path = member.name
    for parent in (path[:cut] for cut in range(len(path)) if path[cut] == "/"):
        there = root.setdefault(parent, Inode((), directory=True, implied=True))
        if not there.directory:
            raise EnginesDisagree(path)
    before = root.get(path)
    if before is not None and before.directory and not member.isdir():
        raise EnginesDisagree(path)
    if member.islnk():
        inode = root.get(member.linkname)
        if inode is None or inode.directory:
            raise EnginesDisagree(path)
        kind, what, *_, old, device = inode.told
        _, _, mode, uid, gid, time, new, _ = told_of(member, b"")
        merged = tuple(sorted((dict(old) | dict(new)).items()))
        inode.told = (kind, what, mode, uid, gid, time, merged, device)
    else:
        inode = Inode(told_of(member, content), directory=member.isdir())
    root[path] = inode


def hide(root, path, itself=True):
    for other in [known for known in root if known.startswith(f"{path}/") or (itself and known == path)]:
        del root[other]


def seen(image):
    """{path: (all that is told of it, its names)}; directories that no entry tells of are of 1970, as slimml has it."""
    root = {}
    for layer in image.layers:
        with layer.open() as stream:
            lay_stream_over(root, PLAIN[layer.compression](stream))
    names = {}
    for path, inode in root.items():
        names.setdefault(inode, []).append(path)
    default = (tarfile.DIRTYPE, "", 0o755, 0, 0, "0", (), ())
    return {path: (default if inode.implied else inode.told, sorted(names[inode])) for path, inode in root.items()}
