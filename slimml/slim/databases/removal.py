"""What a removal is to a database: the paths that go, the packages that go whole, and the edits that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.inventory.owner import Owner
    from slimml.inventory.root import Root
    from slimml.slim.plan import Edit
    from slimml.slim.replacing.offer import Smaller


@dataclass(frozen=True)
class Removal:
    """`root` is the merged root before; `paths` are live paths that go, `owners` packages that go whole.

    `replaced` are live paths that get another content.
    """

    root: Root
    paths: frozenset[str]
    owners: tuple[Owner, ...]
    replaced: Mapping[str, Smaller] = field(default_factory=dict)

    def captured(self, beginning: str, ending: str = "") -> Iterator[tuple[str, bytes]]:
        """Live files that stay and whose content is known, by the beginning and end of their path."""
        for path, content in self.root.captured.items():
            if path.startswith(beginning) and path.endswith(ending) and path not in self.paths:
                yield path, content

    def new_content(self, listed: str) -> Smaller | None:
        """The new content of a path as a database writes it; None where it is the old."""
        return self.replaced.get(self.root.place(listed.strip("/"))) if self.replaced else None

    def gone(self, listed: str) -> bool:
        """Whether a path as a database writes it, absolute or relative to the root, is one that goes."""
        return self.root.place(listed.strip("/")) in self.paths


@dataclass(frozen=True)
class Update:
    """`edits` by the path of the file; `drop` are live paths that go as well, `keep` ones that stay after all."""

    edits: Mapping[str, Edit] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()


@dataclass(frozen=True)
class WithoutLines:
    """The file without these lines (given without their ends)."""

    lines: frozenset[bytes]

    def apply(self, content: bytes) -> bytes:
        """The other lines, byte for byte."""
        kept = (line for line in content.splitlines(keepends=True) if line.rstrip(b"\r\n") not in self.lines)
        return b"".join(kept)


@dataclass(frozen=True)
class NewContent:
    """The file, or a symlink's target, is this."""

    content: bytes

    def apply(self, content: bytes) -> bytes:
        """The new content, whatever the old."""
        del content
        return self.content


def text(data: bytes) -> str:
    """Bytes of a database as text; what is not UTF-8 becomes surrogate escapes."""
    return data.decode("utf-8", "surrogateescape")


def encoded(data: str) -> bytes:
    """The reverse of `text`."""
    return data.encode("utf-8", "surrogateescape")
