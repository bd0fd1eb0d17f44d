"""What a row's content could be replaced by: a smaller file that lies ready, with all that databases say of files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slimml.errors import InvalidImage
from slimml.oci.digest import Digest
from slimml.slim.plan import Why

_PIECE = 1 << 20


@dataclass(frozen=True)
class Smaller:
    """A smaller content: `size` bytes in the file `path`, with their sums. `before` is the digest of the old content.

    `path` is where it lies in this run; it says nothing about the content.
    """

    path: Path
    size: int
    sha256: Digest
    sha1: str
    md5: str
    before: Digest

    def pieces(self) -> Iterator[bytes]:
        """The content; raises InvalidImage where the file is not as long as it was."""
        left = self.size
        with self.path.open("rb") as file:
            while piece := file.read(min(_PIECE, left)):
                left -= len(piece)
                yield piece
        if left:
            raise InvalidImage(f"{self.path} lost {left} bytes while it was written into the image")


@dataclass(frozen=True)
class Offer:
    """A row may get `content` for the reason `why`. `labels` are told on an image that takes it up."""

    content: Smaller
    why: Why
    labels: tuple[tuple[str, str], ...] = ()
