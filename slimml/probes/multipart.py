"""Forms as browsers send them: application/x-www-form-urlencoded, and multipart/form-data (RFC 7578) with files."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

OCTETS = "application/octet-stream"


@dataclass(frozen=True)
class Part:
    """A file of a form: what it is called, its media type, its bytes."""

    filename: str
    media_type: str
    content: bytes


def media_type_of(path: str) -> str:
    """The media type that a file's name tells, application/octet-stream where it tells none."""
    return mimetypes.guess_type(path)[0] or OCTETS


def urlencoded(form: Mapping[str, str]) -> tuple[bytes, str]:
    """A form without files: the body and its Content-Type."""
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


def multipart(form: Mapping[str, str], files: Mapping[str, Part]) -> tuple[bytes, str]:
    """A form with files: the body and its Content-Type. The boundary depends on the content alone."""
    blocks = [(f'form-data; name="{_quoted(name)}"', "", value.encode()) for name, value in form.items()]
    for name, part in files.items():
        disposition = f'form-data; name="{_quoted(name)}"; filename="{_quoted(part.filename)}"'
        blocks.append((disposition, part.media_type, part.content))
    boundary = hashlib.sha256(b"\0".join(content for _, _, content in blocks)).hexdigest()[:32]
    out = bytearray()
    for disposition, media_type, content in blocks:
        out += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode()
        out += f"Content-Type: {media_type}\r\n".encode() if media_type else b""
        out += b"\r\n" + content + b"\r\n"
    out += f"--{boundary}--\r\n".encode()
    return bytes(out), f"multipart/form-data; boundary={boundary}"


def _quoted(name: str) -> str:
    """As the HTML standard escapes names in a multipart form (4.10.21.8)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
