"""Names in a layer's tar: paths relative to the root, link targets, whiteouts (image-spec layer.md, "Whiteouts")."""

import re

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.limits import Limits
from slimml.oci.tar.events import Kind

_UPWARDS = re.compile(r"(?:^|/)\.\.(?:/|$)")
_SLASH, _DOT = 0x2F, 0x2E
_COMPONENT = 255
_WHITEOUT = ".wh."


def decode(raw: bytes) -> str:
    """Bytes of a tar as text; what is not UTF-8 becomes surrogate escapes."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape")


def path_of(raw: bytes, limits: Limits, what: str) -> str:
    """A name as a path relative to the root, without `.`, empty components and slashes at the ends.

    Raises InvalidImage for `..` [CVE-2024-24579, CVE-2026-28406] and NUL, LimitExceeded for long names.
    """
    # Almost every name is clean already; these few searches tell at a fifth of the price of cleaning.
    if (
        raw
        and len(raw) <= _COMPONENT
        and raw[-1] != _SLASH
        and raw[0] not in (_SLASH, _DOT)
        and b"/." not in raw
        and b"//" not in raw
        and b"\0" not in raw
    ):
        return decode(raw)
    return _clean(raw, limits, what)


def _clean(raw: bytes, limits: Limits, what: str) -> str:
    if len(raw) > limits.name_bytes:
        raise LimitExceeded(f"{what}: a name of {len(raw)} bytes", "name_bytes")
    text = decode(raw)
    if "\0" in text:
        raise InvalidImage(f"{what}: a NUL inside the name {text[:80]!r}")
    if _UPWARDS.search(text):
        raise InvalidImage(f"{what}: the name {text[:80]!r} points out of its directory with '..'")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if len(parts) > limits.path_depth:
        raise LimitExceeded(f"{what}: a path of {len(parts)} components", "path_depth")
    if len(raw) > limits.component_bytes:
        longest = max((len(part.encode("utf-8", "surrogateescape")) for part in parts), default=0)
        if longest > limits.component_bytes:
            raise LimitExceeded(f"{what}: a name component of {longest} bytes", "component_bytes")
    return "/".join(parts)


def unmask(path: str, kind: Kind, what: str) -> tuple[str, Kind]:
    """The path and kind of an entry whose path has `.wh.` in it; raises InvalidImage for a whiteout of nothing."""
    parent, _, name = path.rpartition("/")
    if not name.startswith(_WHITEOUT):
        return path, kind
    hidden = name[len(_WHITEOUT) :]
    if hidden == ".wh..opq":
        return parent, Kind.OPAQUE
    if hidden.startswith(_WHITEOUT):  # other aufs bookkeeping, which engines pass over
        return path, Kind.OTHER
    if hidden in ("", ".", ".."):
        raise InvalidImage(f"{what}: the whiteout {path[:80]!r} hides nothing that has a name")
    return (f"{parent}/{hidden}" if parent else hidden), Kind.WHITEOUT


def target_of(raw: bytes, kind: Kind, limits: Limits, what: str) -> str:
    """A link's target: of a hard link a path of the image, of a symlink its text, "" for every other kind."""
    if kind is Kind.HARDLINK:
        path = path_of(raw, limits, what)
        if not path:
            raise InvalidImage(f"{what}: a hard link names no target")
        return path
    if kind is not Kind.SYMLINK:
        return ""
    if len(raw) > limits.name_bytes:
        raise LimitExceeded(f"{what}: a link target of {len(raw)} bytes", "name_bytes")
    return decode(raw)
