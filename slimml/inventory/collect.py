"""Collects one layer: the tar visitor that turns entries into rows, hashing each content as it passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa
import xxhash

from slimml.inventory import form as forms
from slimml.inventory.captures import wanted
from slimml.inventory.elf import ElfWindow, bounded, measure, section_table
from slimml.inventory.estimate import Sampler, from_checkpoints
from slimml.inventory.form import CODES, FORMS, HEAD_BYTES, form_of
from slimml.inventory.peek import LINKABLE_BYTES, confirm_duplicates, peek
from slimml.inventory.table import LAYER_SCHEMA, LayerInventory
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.header import padding

if TYPE_CHECKING:
    from slimml.oci.image import ScanFacts

_BATCH_ROWS = 16_384
_UNREAD_SAMPLES = 32
_SAMPLE_BYTES = 64 * 1024
_BATCH_SCHEMA = pa.schema([field for field in LAYER_SCHEMA if field.name not in ("form", "tar_bytes", "compressed")])
_DICTIONARY = pa.array(FORMS, pa.string())
_NOTHING = b""
_ELF_MAGIC = b"\x7fELF"
_NO_FORM = CODES[""]
_EMPTY = CODES[forms.EMPTY]

_Row = tuple[str, int, int, int, int, int, int, str | None, bytes | None, int | None, int, int, int]


class LayerCollector:
    """A TarVisitor for one layer; `inventory` gives the result once the layer has been read.

    `sample` asks for an estimate of the compressed size, for a layer that is stored as a plain tar.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, sample: bool = False) -> None:
        self._sample = sample
        self._rows: list[_Row] = []
        self._codes: list[int] = []
        self._batches: list[pa.RecordBatch] = []
        self._form_codes: list[pa.Array] = []
        self._captured: dict[str, bytes] = {}
        self._capture_left = limits.capture_bytes
        self._sampler = Sampler()
        self._tar_bytes = 0
        self._entry: Entry | None = None
        self._hash = xxhash.xxh3_128()
        self._head = _NOTHING
        self._elf: ElfWindow | None = None
        self._keeping: list[bytes] | None = None
        self._unread: list[tuple[int, Entry, int, Callable[[], IO[bytes]]]] = []
        self._flushed = 0
        self._end = 0

    def other(self, entry: Entry) -> None:
        """An entry without content."""
        self._append(entry, None, None, _NO_FORM, 0, 0)

    def whole(self, entry: Entry, content: memoryview) -> None:
        """A file in one piece."""
        head = bytes(content[:HEAD_BYTES])
        path = entry[0]
        code = CODES[form_of(path, head)] if head else _EMPTY
        debug = gpu = 0
        if head[:4] == _ELF_MAGIC:
            table = section_table(head)
            if table is not None:
                debug, gpu = bounded(measure(table, content, 0), len(content))
        if wanted(path, entry[2]):
            self._keep(path, [bytes(content)])
        if self._sample:
            self._sampler.offer(code, content)
        self._append(entry, xxhash.xxh3_128_digest(content), None, code, debug, gpu)

    def begin(self, entry: Entry) -> None:
        """A file in pieces."""
        self._entry, self._head, self._elf = entry, _NOTHING, None
        self._hash = xxhash.xxh3_128()
        self._keeping = [] if wanted(entry.path, entry.size) else None

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        assert self._entry is not None
        self._hash.update(piece)
        if self._keeping is not None:
            self._keeping.append(bytes(piece))
        if self._elf is None:
            held = self._head
            # The head may straddle pieces; then what came so far is held and counted with the next one.
            self._head = held + bytes(piece[: HEAD_BYTES - len(held)])
            if len(self._head) < HEAD_BYTES:
                return
            self._elf = ElfWindow(self._head)
            if held:
                self._elf.data(memoryview(held))
        self._elf.data(piece)
        if self._sample:
            self._sampler.offer(CODES[form_of(self._entry.path, self._head)], piece)

    def end(self) -> None:
        """The file is complete."""
        assert self._entry is not None
        entry, self._entry = self._entry, None
        debug, gpu = self._elf.measure() if self._elf is not None else (0, 0)
        if self._keeping is not None:
            self._keep(entry.path, self._keeping)
            self._keeping = None
        code = CODES[form_of(entry.path, self._head)]
        self._append(entry, self._hash.digest(), None, code, debug, gpu)

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """A file known by its checksum; only what a name cannot tell is looked at."""
        look = peek(entry, opener)
        if wanted(entry.path, entry.size):
            with opener() as file:
                self._keep(entry.path, [file.read(entry.size)])
        if entry.size >= LINKABLE_BYTES:
            self._unread.append((self._flushed + len(self._rows), entry, crc64, opener))
        self._append(entry, None, crc64, look.code, look.debug, look.gpu)

    def finish(self, tar_bytes: int) -> None:
        """The tar is complete."""
        self._tar_bytes = tar_bytes
        self._flush()

    def _keep(self, path: str, pieces: list[bytes]) -> None:
        size = sum(map(len, pieces))
        if size <= self._capture_left:
            self._capture_left -= size
            self._captured[path] = b"".join(pieces)

    def _append(self, entry: Entry, content: bytes | None, crc64: int | None, code: int, debug: int, gpu: int) -> None:
        path, kind, size, mode, uid, gid, mtime, link, offset, data_offset, stored = entry[:11]
        target = link if kind == Kind.SYMLINK or kind == Kind.HARDLINK else None
        self._rows.append((path, kind, size, mode, uid, gid, mtime, target, content, crc64, debug, gpu, offset))
        self._codes.append(code)
        self._end = data_offset + stored + padding(stored)
        if len(self._rows) >= _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = list(zip(*self._rows, strict=True))
        arrays = [_as_binary(columns[0])]
        for values, field in zip(columns[1:], list(_BATCH_SCHEMA)[1:], strict=True):
            arrays.append(_as_binary(values) if field.name == "link" else pa.array(values, field.type))
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=_BATCH_SCHEMA))
        self._form_codes.append(pa.array(self._codes, pa.uint8()))
        self._flushed += len(self._rows)
        self._rows, self._codes = [], []

    def inventory(self, facts: ScanFacts) -> LayerInventory:
        """The layer's rows, with the bytes that each takes in the tar and in the blob."""
        table = pa.Table.from_batches(self._batches, _BATCH_SCHEMA).combine_chunks()
        codes = pa.chunked_array(self._form_codes, pa.uint8()).combine_chunks()
        boundaries = np.append(table["offset"].to_numpy(), self._end)
        if facts.checkpoints:
            compressed, trailer = from_checkpoints(facts.checkpoints, boundaries)
        else:
            self._sample_unread()
            compressed, trailer = self._sampler.estimate(codes.to_numpy(), table["size"].to_numpy())
        columns = {name: table[name] for name in table.column_names} | {
            "content": self._contents(table["content"]),
            "form": pa.DictionaryArray.from_arrays(codes, _DICTIONARY),
            "tar_bytes": pa.array(np.diff(boundaries)),
            "compressed": pa.array(compressed),
        }
        return LayerInventory(
            table=pa.table([columns[name] for name in LAYER_SCHEMA.names], schema=LAYER_SCHEMA),
            tar_bytes=self._tar_bytes,
            blob_bytes=int(compressed.sum()) + trailer,
            trailer_compressed=trailer,
            captured=self._captured,
            estimated=not facts.checkpoints,
        )

    def _sample_unread(self) -> None:
        total = sum(entry.size for _, entry, _, _ in self._unread)
        step = max(total // _UNREAD_SAMPLES, 1)
        passed = due = 0
        for _, entry, _, opener in self._unread:
            passed += entry.size
            if passed >= due:
                due = passed + step
                with opener() as file:
                    file.seek(max(entry.size // 2 - _SAMPLE_BYTES // 2, 0))
                    content = file.read(_SAMPLE_BYTES)
                self._sampler.sample(peek(entry, opener).code, content)

    def _contents(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        unread = ((row, entry.size, crc64, opener) for row, entry, crc64, opener in self._unread)
        confirmed = confirm_duplicates(unread)
        if not confirmed:
            return column
        digests = column.to_pylist()
        for row, digest in confirmed.items():
            digests[row] = digest
        return pa.chunked_array([pa.array(digests, column.type)])


def _as_binary(values: tuple[str | None, ...]) -> pa.Array:
    try:
        return pa.array(values, pa.string()).cast(pa.binary())
    except UnicodeEncodeError:
        raw = [None if value is None else value.encode("utf-8", "surrogateescape") for value in values]
        return pa.array(raw, pa.binary())
