"""Collects one layer: the tar visitor that turns entries into rows, hashing each content as it passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa
import xxhash

from slimml.inventory import form as forms
from slimml.inventory.captures import DPKG, ENDS, wanted
from slimml.inventory.elf import ElfWindow, bounded, measure, section_table
from slimml.inventory.estimate import EVERY_BYTES, SAMPLE_BYTES, Sampler, from_checkpoints
from slimml.inventory.form import CODES, FORMS, HEAD_BYTES, TOLD_BY_SUFFIX, form_of
from slimml.inventory.peek import LINKABLE_BYTES, confirm_duplicates, peek
from slimml.inventory.table import LAYER_SCHEMA, LayerInventory
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.tar.events import Entry
from slimml.oci.tar.header import padding

if TYPE_CHECKING:
    from slimml.oci.image import ScanFacts

_BATCH_ROWS = 16_384
_BATCH_SCHEMA = pa.schema([field for field in LAYER_SCHEMA if field.name not in ("form", "tar_bytes", "compressed")])
_DICTIONARY = pa.array(FORMS, pa.string())
_NOTHING = b""
_ELF_MAGIC = b"\x7fELF"
_NO_FORM = CODES[""]
_EMPTY = CODES[forms.EMPTY]
_MEMO = 1 << 14
_digest = xxhash.xxh3_128_digest


class LayerCollector:
    """A TarVisitor for one layer; `inventory` gives the result once the layer has been read.

    `sample` asks for an estimate of the compressed size, for a layer that is stored as a plain tar.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, sample: bool = False) -> None:
        self._sample = sample
        # One element per entry since the last flush; what few entries have is kept by row.
        self._entries: list[Entry] = []
        self._contents: list[bytes | None] = []
        self._codes: list[int] = []
        self._crc64: dict[int, int] = {}
        self._native: dict[int, tuple[int, int]] = {}
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
        self._known: dict[tuple[str, bytes], int] = {}

    def other(self, entry: Entry) -> None:
        """An entry without content."""
        self._append(entry, None, _NO_FORM)

    def whole(self, entry: Entry, content: memoryview) -> None:
        """A file in one piece."""
        path = entry[0]
        magic = bytes(content[:4])
        suffix = path[path.rfind(".") + 1 :]
        code = self._known.get((suffix, magic))
        if code is None:
            code = self._look(path, suffix, bytes(content[:HEAD_BYTES]))
        if magic == _ELF_MAGIC:
            table = section_table(bytes(content[:HEAD_BYTES]))
            if table is not None:
                self._native[len(self._codes)] = bounded(measure(table, content, 0), len(content))
        if (path[-4:] in ENDS or path[:13] == DPKG) and wanted(path, entry[2]):
            self._keep(path, [bytes(content)])
        if self._sample:
            self._sampler.offer(code, content)
        self._entries.append(entry)
        self._contents.append(_digest(content))
        self._codes.append(code)
        if len(self._codes) >= _BATCH_ROWS:
            self._flush()

    def _look(self, path: str, suffix: str, head: bytes) -> int:
        code = CODES[form_of(path, head)] if head else _EMPTY
        if suffix in TOLD_BY_SUFFIX and len(self._known) < _MEMO:
            self._known[suffix, head[:4]] = code
        return code

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
        if self._elf is not None and self._head[:4] == _ELF_MAGIC:
            self._native[len(self._codes)] = self._elf.measure()
        if self._keeping is not None:
            self._keep(entry.path, self._keeping)
            self._keeping = None
        self._append(entry, self._hash.digest(), CODES[form_of(entry.path, self._head)])

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """A file known by its checksum; only what a name cannot tell is looked at."""
        look = peek(entry, opener)
        if wanted(entry.path, entry.size):
            with opener() as file:
                self._keep(entry.path, [file.read(entry.size)])
        if entry.size >= LINKABLE_BYTES:
            self._unread.append((self._flushed + len(self._codes), entry, crc64, opener))
        self._crc64[len(self._codes)] = crc64
        if look.debug or look.gpu:
            self._native[len(self._codes)] = look.debug, look.gpu
        self._append(entry, None, look.code)

    def finish(self, tar_bytes: int) -> None:
        """The tar is complete."""
        self._tar_bytes = tar_bytes
        self._flush()

    def _keep(self, path: str, pieces: list[bytes]) -> None:
        size = sum(map(len, pieces))
        if size <= self._capture_left:
            self._capture_left -= size
            self._captured[path] = b"".join(pieces)

    def _append(self, entry: Entry, content: bytes | None, code: int) -> None:
        self._entries.append(entry)
        self._contents.append(content)
        self._codes.append(code)
        if len(self._codes) >= _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._entries:
            return
        paths, kinds, sizes, modes, uids, gids, times, links, offsets = zip(
            *(entry[:9] for entry in self._entries), strict=True
        )
        rows = range(len(paths))
        native = np.zeros((len(paths), 2), np.int64)
        for row, found in self._native.items():
            native[row] = found
        columns = [
            _as_binary(paths),
            kinds,
            sizes,
            modes,
            uids,
            gids,
            times,
            _as_binary([link or None for link in links]),
            self._contents,
            [self._crc64.get(row) for row in rows] if self._crc64 else pa.nulls(len(paths), pa.uint64()),
            native[:, 0],
            native[:, 1],
            offsets,
        ]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, _BATCH_SCHEMA, strict=True)]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=_BATCH_SCHEMA))
        self._form_codes.append(pa.array(self._codes, pa.uint8()))
        last = self._entries[-1]
        self._end = last.data_offset + last.stored + padding(last.stored)
        self._flushed += len(paths)
        self._entries, self._contents, self._codes, self._crc64, self._native = [], [], [], {}, {}

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
            "content": self._confirmed(table["content"]),
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
        passed = due = 0
        for _, entry, _, opener in self._unread:
            passed += entry.size
            if passed >= due:
                due = passed + EVERY_BYTES
                with opener() as file:
                    file.seek(max(entry.size // 2 - SAMPLE_BYTES // 2, 0))
                    content = file.read(SAMPLE_BYTES)
                self._sampler.sample(peek(entry, opener).code, content)

    def _confirmed(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        unread = ((row, entry.size, crc64, opener) for row, entry, crc64, opener in self._unread)
        confirmed = confirm_duplicates(unread)
        if not confirmed:
            return column
        digests = column.to_pylist()
        for row, digest in confirmed.items():
            digests[row] = digest
        return pa.chunked_array([pa.array(digests, column.type)])


def _as_binary(values: Sequence[str | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string()).view(pa.binary())
    except UnicodeEncodeError:
        raw = [None if value is None else value.encode("utf-8", "surrogateescape") for value in values]
        return pa.array(raw, pa.binary())
