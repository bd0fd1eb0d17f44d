"""Configs that were found in saved archives before: finding one can take the whole archive, keeping it a few KiB.

A directory of files named by digest, at most KEPT of them, beside the layers' cache. What is read is checked against
its name, so that a damaged file counts as absent. Failing to write is no error.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from slimml.oci.digest import Digest, hex_of, sha256
from slimml.oci.limits import Limits

KEPT = 512
"""files; the least recently written go first"""


def known_config(digest: Digest, limits: Limits) -> bytes | None:
    """The config of that digest, None when it is not known."""
    try:
        with (_directory() / hex_of(digest)).open("rb") as file:
            found = file.read(limits.json_bytes + 1)
    except OSError:
        return None
    return found if sha256(found) == digest else None


def keep_config(raw: bytes) -> None:
    """Remember a config."""
    directory = _directory()
    beside = directory / f".{os.getpid()}.{secrets.token_hex(4)}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_bytes(raw)
        beside.replace(directory / hex_of(sha256(raw)))
        files = sorted(directory.iterdir(), key=lambda path: path.lstat().st_mtime)
        for old in files[:-KEPT]:
            old.unlink()
    except OSError:
        with suppress(OSError):
            beside.unlink()


def forget_configs() -> int:
    """Remove them all; the bytes removed."""
    removed = 0
    with suppress(OSError):
        for path in _directory().iterdir():
            with suppress(OSError):
                size = path.lstat().st_size
                path.unlink()
                removed += size
    return removed


def _directory() -> Path:
    named = os.environ.get("SLIMML_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(named) if named else base / "slimml") / "configs"
