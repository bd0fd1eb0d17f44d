"""torch files (torch/serialization.py): zip archives of a pickle and storages, the legacy stream, and TorchScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from slimml.models.content import MOST_AT_ONCE, Content, Cursor, Unreadable
from slimml.models.formats.zip_members import STORED, Member, data_offset, member_content
from slimml.models.model_file import Format, Leftover, ModelFile, Tensor
from slimml.models.pickles.calls import described
from slimml.models.pickles.machine import Loaded, load
from slimml.models.pickles.tensors import Place, Storage, checked_count, places, torch_storage, torch_tensor
from slimml.models.pickles.values import Sequence

LEGACY_MAGIC: Final = 0x1950A86A20F9469CFC6C
LEGACY_HEAD: Final = b"\x80\x02\x8a\x0a" + LEGACY_MAGIC.to_bytes(10, "little") + b"."
_LEGACY_PROTOCOL: Final = 1001
_SCRIPT_TYPES: Final = "__torch__"


@dataclass(frozen=True)
class LegacyParts:
    """Where the parts of a legacy file lie: the pickle from `pickle` on, which ends where that of the keys begins.

    `storages` has, by key, where the count of a storage's elements lies; its elements follow.
    """

    loaded: Loaded
    pickle: int
    keys: int
    order: tuple[str, ...]
    storages: dict[str, int]


def is_torch_zip(members: list[Member]) -> bool:
    """Whether an archive is torch's: one directory with a `data.pkl` and a `version` or storages."""
    names = {member.name.partition("/")[2] for member in members}
    return "data.pkl" in names and ("version" in names or any(name.startswith("data/") for name in names))


def read_torch_zip(content: Content, members: list[Member]) -> ModelFile:
    """The checkpoint or TorchScript model in an archive of these members; raises Unreadable."""
    inner = {member.name.partition("/")[2]: member for member in members}
    script = "constants.pkl" in inner or any(name.startswith("code/") for name in inner)
    parts = [("data.pkl", "data/")] + ([("constants.pkl", "constants/")] if "constants.pkl" in inner else [])
    summary = _Summary(content)
    for pickle, directory in parts:
        loaded = load(Cursor(member_content(content, inner[pickle], MOST_AT_ONCE)))
        sizes: dict[str, int] = {}

        def offset_of(storage: Storage, directory: str = directory, sizes: dict[str, int] = sizes) -> int | None:
            member = inner.get(directory + storage.key)
            if member is None or member.size != storage.bytes:
                raise Unreadable(f"storage {storage.key[:100]!r} is not in the archive, or not of its length")
            if storage.key not in sizes:
                sizes[storage.key] = data_offset(content, member) if member.method == STORED else -1
            return None if sizes[storage.key] < 0 else sizes[storage.key]

        summary.add(loaded, offset_of, prefix="" if pickle == "data.pkl" else "constants.")
        if loaded.broken:
            break
    return summary.model(Format.TORCHSCRIPT if script else Format.TORCH_ZIP)


def read_torch_legacy(content: Content) -> ModelFile:
    """The checkpoint in a file that begins with LEGACY_HEAD; raises Unreadable."""
    summary = _Summary(content)
    parts = legacy_parts(content)
    summary.add(parts.loaded, lambda storage: _legacy_offset(parts, storage))
    return summary.model(Format.TORCH_LEGACY)


def _legacy_offset(parts: LegacyParts, storage: Storage) -> int | None:
    if storage.key not in parts.storages:
        raise Unreadable(f"storage {storage.key[:100]!r} is not in the file")
    return parts.storages[storage.key] + 8


def legacy_parts(content: Content) -> LegacyParts:
    """The parts of a legacy file, its storages held against the file's end; raises Unreadable.

    A file whose own pickle is broken has no storages; what loading it would import is known all the same.
    """
    cursor = Cursor(content)
    magic, protocol, system = (load(cursor) for _ in range(3))
    if magic.value != LEGACY_MAGIC or protocol.value != _LEGACY_PROTOCOL:
        raise Unreadable("not torch's legacy format")
    begin = cursor.position
    # Whoever loads the file reads these with the same machine.
    loaded = load(cursor, into=Loaded(globals={**magic.globals, **protocol.globals, **system.globals}))
    after = cursor.position
    if loaded.broken:
        return LegacyParts(loaded, begin, after, (), {})
    listed = load(cursor, into=Loaded(globals=loaded.globals))
    loaded.broken = listed.broken
    keys = listed.value.items if isinstance(listed.value, Sequence) else []
    if not all(type(key) is str for key in keys):
        raise Unreadable("its list of storages is none")
    widths = _widths(loaded, content)
    storages = {}
    for key in keys:
        content.step()
        if key not in widths:
            raise Unreadable(f"storage {key[:100]!r} is of no known type")
        storages[key] = cursor.position
        count = int.from_bytes(cursor.read(8), "little")
        storage = widths[key]
        if count * storage.item_bytes != storage.bytes and not storage.view:
            raise Unreadable(f"storage {key[:100]!r} has {count:,} elements, not the {storage.bytes:,} bytes it should")
        cursor.skip(count * storage.item_bytes)
    if cursor.left:
        raise Unreadable(f"{cursor.left:,} bytes after the last storage")
    return LegacyParts(loaded, begin, after, tuple(keys), storages)


def _widths(loaded: Loaded, content: Content) -> dict[str, Storage]:
    found: dict[str, Storage] = {}
    for place in places(loaded.value, content):
        storage = _storage_at(place)
        if storage is not None and found.setdefault(storage.key, storage).item_bytes != storage.item_bytes:
            raise Unreadable(f"storage {storage.key[:100]!r} has two types")
    return found


def _storage_at(place: Place) -> Storage | None:
    tensor = torch_tensor(place.value)
    return tensor.storage if tensor is not None else torch_storage(place.value)


class _Summary:
    """Adds up what the pickles of one file describe."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.tensors: list[Tensor] = []
        self.used: dict[str, Storage] = {}
        self.optimizer: dict[str, tuple[str, Storage]] = {}
        self.globals: list[Any] = []
        self.broken = ""

    def add(self, loaded: Loaded, offset_of: Any, prefix: str = "") -> None:
        """Count what a pickle describes; `offset_of` gives where a storage's bytes lie."""
        self.globals += loaded.globals
        self.broken = loaded.broken
        if loaded.broken:
            return
        for place in places(loaded.value, self.content):
            storage = _storage_at(place)
            if storage is None:
                continue
            start = offset_of(storage)
            if place.optimizer:
                self.optimizer[prefix + storage.key] = (place.optimizer, storage)
                continue
            self.used[prefix + storage.key] = storage
            tensor = torch_tensor(place.value)
            if tensor is None:
                continue
            width = storage.bytes and storage.item_bytes
            if tensor.dtype != storage.dtype:
                width = _width(tensor.dtype)
            size = width
            for length in tensor.shape:
                size *= length
            at = start + tensor.offset * width if start is not None and tensor.contiguous else None
            self.tensors.append(Tensor(prefix + place.path, tensor.dtype, tensor.shape, size, at))
            checked_count(self.tensors)

    def model(self, kind: Format) -> ModelFile:
        """What was added up."""
        alone = {key: told for key, told in self.optimizer.items() if key not in self.used}
        by_place: dict[str, int] = {}
        by_dtype: dict[str, int] = {}
        for place, storage in alone.values():
            by_place[place] = by_place.get(place, 0) + storage.bytes
        for storage in [*self.used.values(), *(storage for _, storage in alone.values())]:
            by_dtype[storage.dtype] = by_dtype.get(storage.dtype, 0) + storage.bytes
        seen = [one for one in self.globals if not one.module.startswith(_SCRIPT_TYPES)]
        return ModelFile(
            kind,
            self.content.size,
            parameters=None if self.broken else sum(tensor.elements for tensor in self.tensors),
            bytes_by_dtype=by_dtype,
            tensors=tuple(self.tensors),
            optimizer_bytes=sum(by_place.values()),
            leftovers=tuple(Leftover(place, size, "optimizer state") for place, size in by_place.items()),
            calls=described(seen),
            unread=self.broken,
        )


def _width(dtype: str) -> int:
    digits = "".join(digit for digit in dtype.partition("_")[0] if digit.isdigit())
    return int(digits or "8") // 8
