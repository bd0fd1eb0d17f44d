"""A tar visitor that writes down what it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from slimml.oci.tar.events import Entry


@dataclass
class Told:
    """What a visitor was told, contents joined."""

    entries: list[Entry] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    skipped: list[tuple[str, int]] = field(default_factory=list)
    tar_bytes: int = -1
    _name: str = ""

    def other(self, entry: Entry) -> None:
        self.entries.append(entry)

    def whole(self, entry: Entry, content: memoryview) -> None:
        self.entries.append(entry)
        self.contents[entry.path] = bytes(content)

    def begin(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._name = entry.path
        self.contents[entry.path] = b""

    def data(self, piece: memoryview) -> None:
        self.contents[self._name] += bytes(piece)

    def end(self) -> None:
        self._name = ""

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        self.entries.append(entry)
        self.skipped.append((entry.path, crc64))

    def finish(self, tar_bytes: int) -> None:
        self.tar_bytes = tar_bytes

    @property
    def by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries}
