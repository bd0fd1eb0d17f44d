"""Content digests: `algorithm:hex`, as in the OCI image specification, descriptor.md, section Digests."""

import hashlib
import re
from typing import NewType

from slimml.errors import InvalidImage

Digest = NewType("Digest", str)

_FORM = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def parse_digest(text: object) -> Digest:
    """`text` as a digest that is safe in a path or URL; raises InvalidImage (CVE-2024-3727, CVE-2014-9358)."""
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        shown = repr(text)[:80]
        raise InvalidImage(f"{shown} is not a sha256 or sha512 digest; the image is damaged or hostile")
    return Digest(text)


def algorithm_of(digest: Digest) -> str:
    """`sha256` or `sha512`."""
    return digest.partition(":")[0]


def hex_of(digest: Digest) -> str:
    """The digest without its algorithm."""
    return digest.partition(":")[2]


def short(digest: Digest) -> str:
    """The first twelve hex digits, as engines show them."""
    return hex_of(digest)[:12]


def sha256(data: bytes) -> Digest:
    """The digest of bytes in memory."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())
