"""Layers that were read before: their inventories by digest, in a bounded directory that several runs may share.

Layers never change, so an entry is never wrong, only old: each file is an Arrow stream named by digest and format
version, written beside and renamed. A damaged file counts as absent, so that no write has to wait for the disk.
The least recently used go first.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from slimml.errors import UsageError
from slimml.inventory.form import FORMS
from slimml.inventory.layer_file import dump_layer, load_layer
from slimml.inventory.table import LAYER_SCHEMA, LayerInventory
from slimml.oci.digest import Digest, hex_of

DEFAULT_BYTES = 1 << 30
_FORMAT = 1
_SUFFIX = ".layer"
_VERSION = hashlib.sha256(f"{_FORMAT} {FORMS} {LAYER_SCHEMA}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class CacheEntry:
    """One file of the cache. `used` is when it was last read, in seconds since the epoch."""

    name: str
    size: int
    used: float


class LayerCache:
    """A directory of at most `max_bytes`. Failing to write (a full disk, no permission) is no error."""

    def __init__(self, directory: Path, max_bytes: int = DEFAULT_BYTES) -> None:
        self.directory, self.max_bytes = directory, max_bytes

    def get(self, digest: Digest, *, listed: bool = False) -> LayerInventory | None:
        """The inventory of a layer, None when absent. `listed` asks for one made from an engine's list of entries."""
        path = self._path(digest, listed)
        try:
            with path.open("rb") as file:
                found = load_layer(file)
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowException, ValueError, KeyError):
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def put(self, digest: Digest, layer: LayerInventory, *, listed: bool = False) -> None:
        """Keep an inventory, then prune."""
        path = self._path(digest, listed)
        beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with beside.open("xb") as file:
                dump_layer(file, layer)
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            return
        self.prune(self.max_bytes)

    def entries(self) -> list[CacheEntry]:
        """What is there, the least recently used first."""
        found = []
        with suppress(OSError):
            for item in self.directory.iterdir():
                with suppress(OSError):
                    facts = item.stat()
                    if item.name.endswith(_SUFFIX) or _SUFFIX + "." in item.name:
                        found.append(CacheEntry(item.name, facts.st_size, facts.st_mtime))
        return sorted(found, key=lambda entry: entry.used)

    def prune(self, max_bytes: int) -> int:
        """Remove the least recently used until at most `max_bytes` stay; the bytes removed."""
        entries = self.entries()
        total = sum(entry.size for entry in entries)
        removed = 0
        for entry in entries:
            if total - removed <= max_bytes:
                break
            with suppress(OSError):
                (self.directory / entry.name).unlink()
            removed += entry.size
        return removed

    def clear(self) -> int:
        """Remove everything; the bytes removed."""
        return self.prune(-1)

    def _path(self, digest: Digest, listed: bool) -> Path:
        return self.directory / f"{hex_of(digest)}-{_VERSION}{'-listed' if listed else ''}{_SUFFIX}"


def default_cache() -> LayerCache:
    """The user's cache: SLIMML_CACHE_DIR, else slimml in XDG_CACHE_HOME or ~/.cache; SLIMML_CACHE_BYTES bounds it."""
    named = os.environ.get("SLIMML_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    size = os.environ.get("SLIMML_CACHE_BYTES", str(DEFAULT_BYTES))
    if not size.isdigit():
        raise UsageError(f"SLIMML_CACHE_BYTES={size!r} is not a number of bytes")
    return LayerCache(Path(named) if named else base / "slimml" / "layers", int(size))
