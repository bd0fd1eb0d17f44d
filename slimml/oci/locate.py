"""What a user means by a word that may be a file: existing paths win over the grammar of references."""

import os
import stat
from collections.abc import Iterator

from slimml.errors import SlimmlError, Unsupported
from slimml.oci.archive_file import ArchiveFile
from slimml.oci.reference import FILES, Reference, Transport, parse_name, parse_reference

_DOCKER_MARK = "manifest.json"
_OCI_MARK = "oci-layout"
_COMPRESSED = (".gz", ".tgz", ".zst", ".xz", ".bz2")


def locate(text: str) -> Reference:
    """`text` as a reference. Without a transport, a layout's directory or an image archive is recognised as such.

    In file transports the longest existing path is the path, so that it may have colons. Raises UsageError, and
    Unsupported for an archive that is compressed as a whole.
    """
    head, colon, rest = text.partition(":")
    if colon and head in FILES and rest:
        for path, tail in _splits(rest):
            if os.path.exists(path):
                return _file_reference(Transport(head), path, tail)
        return parse_reference(text)
    for path, tail in _splits(text):
        transport = _transport_of(path)
        if transport is not None:
            return _file_reference(transport, path, tail)
    return parse_reference(text)


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Every way to cut `text` at a colon into a path and what follows it, the longest path first."""
    yield text, ""
    end = len(text)
    while (end := text.rfind(":", 0, end)) > 0:
        yield text[:end], text[end + 1 :]


def _file_reference(transport: Transport, path: str, tail: str) -> Reference:
    if transport is Transport.DOCKER_ARCHIVE:
        return Reference(transport, path=path, name=parse_name(tail) if tail else None)
    if not tail:
        return Reference(transport, path=path)
    # The grammar of the tag is parse_reference's; a path without colons keeps out of its way.
    return Reference(transport, path=path, tag=parse_reference(f"{transport.value}:x:{tail}").tag)


def _transport_of(path: str) -> Transport | None:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(mode):
        return Transport.LAYOUT if os.path.isfile(os.path.join(path, _OCI_MARK)) else None
    if not stat.S_ISREG(mode):
        return None
    try:
        with ArchiveFile(path) as archive:
            names = archive.names
    except Unsupported:
        if path.endswith(_COMPRESSED):
            raise
        return None
    except SlimmlError:
        return None
    if _DOCKER_MARK in names:
        return Transport.DOCKER_ARCHIVE
    return Transport.OCI_ARCHIVE if _OCI_MARK in names else None
