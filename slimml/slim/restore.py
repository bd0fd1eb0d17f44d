"""Brings removed content back: an additional layer on top of a slimmed image, made of what was kept.

All of it, and the merged root is the one before slimming: package databases get their old content back, and names that
became hard links of one file stay so, with the same content, mode, owner and time. Of some paths, only these come back
(with the directories above them that went); package databases stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml import __version__
from slimml.errors import InvalidImage, NotFound, UsageError
from slimml.oci.codec import Decoded, Encoding
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import Compression, layer_type
from slimml.oci.tar.events import Entry, Kind, TarVisitor
from slimml.oci.tar.reader import TarReader
from slimml.oci.tar.writer import TRAILER, entry_header
from slimml.oci.verify import verified
from slimml.progress import SILENT, Progress
from slimml.slim.assemble import NewLayer, build_image
from slimml.slim.layer_sink import LayerSink
from slimml.slim.layers import USUAL_LEVELS
from slimml.slim.ledger import Done, Ledger, LedgerEntry
from slimml.slim.names import ancestors
from slimml.slim.options import matcher
from slimml.slim.restoring import Contents, Key, Restoring, sources

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.oci.descriptor import Descriptor
    from slimml.oci.image import Blobs, Image

_WHAT = "the removed content"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Restored:
    """The image with what came back. `paths` are absolute."""

    image: Image
    paths: tuple[str, ...]


def restore(
    image: Image,
    ledger: Ledger,
    removed: Descriptor,
    blobs: Blobs,
    store: BlobStore,
    paths: Iterable[str] = (),
    *,
    inventory: Inventory | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Restored:
    """`image` with `paths` (absolute, globs; none means all) back in it; its new layer lies in `store`.

    `inventory` is the image's: the directories that what comes back lies in are written as they are there, since some
    engines make those that a layer does not tell of anew, with a mode and a time of their own.
    `removed` is the blob of removed content, which `blobs` opens; it is verified, and each file in it against the
    ledger. Raises InvalidImage when image, ledger and removed content do not belong together, NotFound for a path
    that the ledger does not list, UsageError, and what reading and writing raise.
    """
    wanted = tuple(paths)
    _check_together(image, ledger, removed)
    chosen = _choose(ledger, wanted)
    contents = Contents()
    compression = image.layers[-1].compression
    encoding = Encoding(compression, USUAL_LEVELS[compression])
    with progress.task("reading what was removed", 2 * removed.size) as task:
        _read(removed, blobs, contents, limits, task.advance)
        with LayerSink(store, encoding, layer_type(compression, docker=False)) as sink:
            for entry in _directories_above(inventory, {path for _, path in chosen}):
                sink.write(entry_header(entry))
            _read(removed, blobs, Restoring(sources(contents, chosen), sink), limits, task.advance)
            sink.write(TRAILER)
            written = sink.finish()
    layers = [NewLayer(layer.descriptor, layer.diff_id, layer.blobs, at) for at, layer in enumerate(image.layers)]
    built = build_image(
        image,
        [*layers, NewLayer(written.descriptor, written.diff_id, store, None)],
        store,
        step=" ".join(["slimml restore", *wanted]),
        labels={"restored.version": __version__},
    )
    return Restored(built, tuple(sorted({f"/{path}" for _, path in chosen})))


def _directories_above(inventory: Inventory | None, paths: set[str]) -> list[Entry]:
    """The directories of the image that hold one of the paths, the outermost first."""
    if inventory is None:
        return []
    table = inventory.table
    found = []
    above = {directory for path in paths for directory in ancestors(path)}
    for path in sorted(above - paths):
        row = inventory.live.get(path)
        if row is not None and table["kind"][row].as_py() == Kind.DIRECTORY:
            mode, uid, gid, mtime = (int(table[name][row].as_py()) for name in ("mode", "uid", "gid", "mtime"))
            found.append(Entry(path, Kind.DIRECTORY, 0, mode, uid, gid, mtime, "", 0, 0, 0))
    return found


def _check_together(image: Image, ledger: Ledger, removed: Descriptor) -> None:
    if tuple(layer.diff_id for layer in image.layers) != ledger.result.diff_ids:
        raise InvalidImage(f"{image.reference}: the ledger is of another image; its layers are not the image's")
    if ledger.removed is None:
        raise NotFound(f"{image.reference}: what was removed was not kept; run slimml optimize with --keep-removed")
    if ledger.removed != removed.digest:
        raise InvalidImage(f"{image.reference}: the removed content is not the ledger's, {ledger.removed}")


def _choose(ledger: Ledger, paths: tuple[str, ...]) -> dict[Key, LedgerEntry]:
    """The entries that come back: those that a container saw, and that the paths name.

    What became a hard link has the same content still, unless that of its target was replaced.
    """
    for path in paths:
        if not path.startswith("/"):
            raise UsageError(f"{path!r} is not absolute; name paths as a container sees them")
    replaced = {(it.layer, it.path) for it in ledger.entries if it.done is Done.REPLACED}
    live = {
        (it.layer, it.path): it
        for it in ledger.entries
        if it.live and (it.done is not Done.LINKED or (it.layer, it.link) in replaced)
    }
    if not paths:
        return live
    dropped = {key: it for key, it in live.items() if it.done is not Done.EDITED}
    found: dict[Key, LedgerEntry] = {}
    for path in paths:
        pattern = matcher([path])
        assert pattern is not None
        matching = {key: it for key, it in dropped.items() if pattern.match(key[1])}
        if not matching:
            raise NotFound(f"{path}: the ledger lists nothing of that name among what was removed")
        found |= matching
    above = {parent for _, path in found for parent in ancestors(path)}
    return found | {key: it for key, it in dropped.items() if key[1] in above}


def _read(
    removed: Descriptor, blobs: Blobs, visitor: TarVisitor, limits: Limits, advance: Callable[[int], None]
) -> None:
    reader = TarReader(visitor, _WHAT, limits)
    with verified(blobs.open_blob(removed), removed) as stream:
        decoded = Decoded(stream, Compression.ZSTD, _WHAT, limits)
        told = 0
        for piece in decoded:
            reader.feed(piece)
            advance(decoded.consumed - told)
            told = decoded.consumed
        while stream.read(_CHUNK):  # the digest is of all of it
            pass
    reader.finish()
