"""Results of shrinkers, remembered by what they were made of: the content's SHA-256 and the shrinkers' keys.

A result that made a file smaller is a note (JSON) and the new content; the note alone says that a file stays as it is.
Which content a layer's entry has is remembered by the layer's diff ID, so that a layer need not be read again for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from slimml.oci.digest import Digest, hex_of, parse_digest

if TYPE_CHECKING:
    from slimml.inventory.kept_files import KeptFiles
    from slimml.slim.replacing.shrinker import Shrinker

_FORMAT = 1
_MOST_NOTE = 1 << 20
_MOST_DIGESTS = 64 << 20
_PIECE = 1 << 20
_DAMAGE = (ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class Result:
    """What became of a file. `did` is, for each rule that made it smaller, what was done; `left` why others did not.

    `size`, `sha256`, `sha1` and `md5` are of the new content, in hexadecimal; without one `did` is empty. `settled` is
    False where another try may end otherwise (memory, a full disk, a process that ended).
    """

    did: Mapping[str, str]
    left: Mapping[str, str]
    size: int = 0
    sha256: str = ""
    sha1: str = ""
    md5: str = ""
    settled: bool = True


def chain_key(shrinkers: Sequence[Shrinker]) -> str:
    """A name for what these make of a file, one after the other."""
    said = json.dumps([_FORMAT, *([one.rule, one.key] for one in shrinkers)])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


class Remembered:
    """Results among `files`, which may be pruned by others at any time."""

    def __init__(self, files: KeptFiles) -> None:
        self._files = files

    def get(self, content: Digest, key: str, target: Path) -> Result | None:
        """The result for a content; a smaller one is at `target` then, whole. None where there is none."""
        name = f"{hex_of(content)}-{key}"
        found = self._files.read(f"{name}.shrunk", _read_result, _DAMAGE)
        if found is None or not found.did:
            return found
        if self._files.lend(f"{name}.content", target):
            if _sha256(target) == found.sha256:
                return found
            target.unlink()
            self._files.forget(f"{name}.content")
        self._files.forget(f"{name}.shrunk")
        return None

    def put(self, content: Digest, key: str, result: Result, target: Path) -> None:
        """Remember a result that is settled; `target` is the new content, which nobody writes to from now on."""
        if not result.settled:
            return
        name = f"{hex_of(content)}-{key}"
        if result.did:
            self._files.adopt(f"{name}.content", target)
        self._files.write(f"{name}.shrunk", lambda file: _write(file, asdict(result)))

    def digests(self, diff_id: Digest) -> dict[int, Digest]:
        """Known contents of a layer's entries, by their place in it."""
        found = self._files.read(f"{hex_of(diff_id)}-{_FORMAT}.digests", _read_digests, _DAMAGE)
        return found or {}

    def put_digests(self, diff_id: Digest, known: Mapping[int, Digest]) -> None:
        """Remember contents of a layer's entries, with those that are known already."""
        told = {**self.digests(diff_id), **known}
        document = {str(place): digest for place, digest in sorted(told.items())}
        self._files.write(f"{hex_of(diff_id)}-{_FORMAT}.digests", lambda file: _write(file, document))


def _write(file: IO[bytes], document: Mapping[str, Any]) -> None:
    file.write(json.dumps(document, sort_keys=True).encode())


def _read_result(file: IO[bytes]) -> Result:
    said = json.loads(file.read(_MOST_NOTE))
    texts = {name: {str(rule): str(text) for rule, text in said[name].items()} for name in ("did", "left")}
    sums = {name: str(said[name]) for name in ("sha256", "sha1", "md5")}
    return Result(texts["did"], texts["left"], int(said["size"]), sums["sha256"], sums["sha1"], sums["md5"])


def _read_digests(file: IO[bytes]) -> dict[int, Digest]:
    return {int(place): parse_digest(digest) for place, digest in json.loads(file.read(_MOST_DIGESTS)).items()}


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()
