"""Images read through an engine's API: the answer to `save`, a tar archive, streamed and never stored.

Listing the layers takes one reading of the archive. A blob on its own takes a reading up to its member, which goes on
from where the last blob ended when it comes later than that one.
"""

import threading
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from slimml.errors import InvalidImage
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest, short
from slimml.oci.image import Image, Layer, ScanFacts, Stream, assemble
from slimml.oci.limits import Limits
from slimml.oci.places.daemon.api.ask import Engine, Inspected
from slimml.oci.places.daemon.chain import chain_ids
from slimml.oci.places.daemon.pieces import PieceStream
from slimml.oci.places.daemon.plain_image import plain_image
from slimml.oci.places.daemon.saved.documents import Documents, find_documents
from slimml.oci.places.daemon.saved.known_configs import keep_config, known_config
from slimml.oci.places.daemon.saved.members import ArchiveMembers
from slimml.oci.places.daemon.saved.names import LayerNames
from slimml.oci.reference import Reference
from slimml.oci.scan import scan_layer
from slimml.oci.tar.events import TarVisitor
from slimml.oci.transfer import Access

_CHUNK = 1 << 18
_READINGS = 2


def saved_image(
    engine: Engine, found: Inspected, reference: Reference, access: Access, config: bytes | None = None
) -> Image:
    """The image through the API; `config` are its config's bytes where they are known.

    Raises NotFound, AccessDenied, Unavailable, InvalidImage, LimitExceeded.
    """
    raw = config or known_config(found.id, access.limits)
    if raw is not None:
        told = Documents(None, parse_config(raw, f"the config of {reference}", access.limits))
    else:
        with _archive(engine, found, access.limits) as archive:
            told = find_documents(archive, found, access.platform, access.limits)
        if told.manifest is None:
            keep_config(told.config.raw)
    digests = told.config.diff_ids
    if told.manifest is not None:
        digests = tuple(layer.digest for layer in told.manifest.layers)
    source = SavedLayers(engine, found, digests, told.config.diff_ids, access.limits)
    if told.manifest is None:
        return plain_image(reference, told.config, source, source)
    return assemble(reference, told.manifest, told.config, source, source)


def _archive(engine: Engine, found: Inspected, limits: Limits) -> ArchiveMembers:
    return ArchiveMembers(engine.save(found.id), f"the archive that {engine.address} saves of {found.id}", limits)


class SavedLayers:
    """The layers of an image as an engine saves them; both its blobs and its listing."""

    separate = False

    def __init__(
        self, engine: Engine, found: Inspected, digests: Sequence[Digest], diff_ids: Sequence[Digest], limits: Limits
    ) -> None:
        self._open: Callable[[], ArchiveMembers] = lambda: _archive(engine, found, limits)
        self._names = LayerNames(digests, tuple(chain_ids(diff_ids)))
        self._limits = limits
        self._parked: _Reading | None = None
        self._lock = threading.Lock()

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Stream:
        """The layer from byte `offset` on, not verified; what comes before it is read and thrown away."""
        digest = descriptor.digest
        for reading in self._readings(digest):
            if reading.seek({digest}) is not None:
                return PieceStream(reading.pieces(offset), partial(self._park, reading))
            reading.close()
        raise InvalidImage(f"the engine's archive does not have layer {short(digest)}")

    def weight(self, layer: Layer) -> int:
        """Not known before the archive comes."""
        del layer
        return 0

    def scan(
        self, layers: Iterable[Layer], visitor_of: Callable[[Layer], TarVisitor], advance: Callable[[int], None]
    ) -> dict[Digest, ScanFacts]:
        """List the layers in the order they come; each is hashed and verified. See `image.Listing`."""
        wanted = {layer.descriptor.digest: layer for layer in layers}
        facts: dict[Digest, ScanFacts] = {}
        for _ in range(_READINGS if wanted else 0):
            with closing(self._reading()) as reading:
                while wanted and (digest := reading.seek(wanted)) is not None:
                    layer = wanted.pop(digest)
                    here = replace(layer, blobs=reading)
                    facts[layer.diff_id] = scan_layer(
                        here, visitor_of(layer), limits=self._limits, hash_tar=True, advance=advance
                    )
            if not wanted:
                return facts
        missing = ", ".join(short(digest) for digest in wanted)
        raise InvalidImage(f"the engine's archive does not have the layers {missing}")

    def _reading(self) -> "_Reading":
        return _Reading(self._open(), self._names, self._limits)

    def _readings(self, digest: Digest) -> Iterator["_Reading"]:
        with self._lock:
            parked, self._parked = self._parked, None
        if parked is not None:
            if digest not in parked.passed:
                yield parked
            parked.close()
        # A second one may know from the first one's end what that one did not know in time.
        for _ in range(_READINGS):
            yield self._reading()

    def _park(self, reading: "_Reading") -> None:
        with self._lock:
            if reading.done and self._parked is None:
                self._parked = reading
                return
        reading.close()


class _Reading:
    """One reading of the archive, forward only. `done` tells that the layer at hand was read to its end."""

    def __init__(self, archive: ArchiveMembers, names: LayerNames, limits: Limits) -> None:
        self._archive, self._names, self._limits = archive, names, limits
        self.passed: set[Digest] = set()
        self.done = False

    def seek(self, wanted: Container[Digest]) -> Digest | None:
        """Go to the next layer that is wanted; None when none comes any more."""
        self.done = False
        while (entry := self._archive.next()) is not None:
            digest = self._names.layer_of(entry.path)
            if digest is not None:
                self.passed.add(digest)
                if digest in wanted:
                    return digest
            elif self._names.tells(entry):
                content = self._archive.read_document(self._limits.json_bytes)
                if content is not None:
                    self._names.learn(entry.path, content)
        return None

    def pieces(self, offset: int) -> Iterator[bytes]:
        """The layer at hand from byte `offset` on."""
        left = offset
        while piece := self._archive.read(_CHUNK):
            if left < len(piece):
                yield piece[left:]
            left = max(0, left - len(piece))
        self.done = True

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Stream:
        """The layer at hand, whatever `descriptor` says; closing it leaves the archive open."""
        del descriptor
        return PieceStream(self.pieces(offset))

    def close(self) -> None:
        self._archive.close()
