"""Takes the optimizer's state out of a torch checkpoint, without unpickling; what stays, stays bit for bit.

The dict that an optimizer's `state_dict` gave keeps its `param_groups`; its `state` becomes empty, as of an optimizer
that has not made a step. So a program that looks the key up finds it, and `load_state_dict` accepts it.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from slimml.models.content import MOST_AT_ONCE, Content, Cursor, Unreadable
from slimml.models.formats.torch_file import (
    LEGACY_HEAD,
    LegacyParts,
    is_torch_zip,
    legacy_parts,
    read_torch_legacy,
    read_torch_zip,
)
from slimml.models.formats.zip_members import MAGIC, STORED, data_offset, member_content, members_of
from slimml.models.model_file import Format, Leftover, ModelFile, Tensor
from slimml.models.pickles.machine import Loaded, load
from slimml.models.pickles.tensors import is_optimizer_state, places, torch_storage, torch_tensor
from slimml.models.pickles.values import Pairs, Sequence
from slimml.models.pickles.writer import dump
from slimml.models.unsuitable import Unsuitable

_PIECE: Final = 1 << 20
_ALIGNMENT: Final = 64
"""of storages in an archive, so that they can be mapped (torch/csrc/jit/serialization, c10 `kFieldAlignment`)"""
_LOCAL_HEADER: Final = 30
_ZIP64_EXTRA: Final = 20
_PADDING_FIELD: Final = b"FB"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Stripped:
    """What became of a checkpoint: sizes in bytes, what was left out, and how many tensors were compared."""

    before: int
    after: int
    removed: tuple[Leftover, ...]
    tensors: int


def without_optimizer(source: Path, target: Path) -> Stripped | None:
    """Write the checkpoint `source` to `target` without the state of its optimizers; None, and nothing, if it has none.

    Every tensor that stays is read back and compared. Raises Unreadable, with nothing written, for a file that is no
    checkpoint of torch, that would run something when loaded, or that cannot be written again as it was; OSError.
    """
    with source.open("rb") as file:
        content = Content.of(file)
        model = _read(content)
        _refuse(model)
        if not model.optimizer_bytes:
            return None
        try:
            with target.open("wb") as out:
                if model.format is Format.TORCH_LEGACY:
                    _write_legacy(content, out)
                else:
                    _write_zip(content, out)
            after = _compare(content, model, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return Stripped(model.size, after, model.leftovers, len(model.tensors))


def without_training(source: Path, target: Path) -> str:
    """As `without_optimizer`, in the words of a change; raises Unsuitable where there is none to make."""
    try:
        stripped = without_optimizer(source, target)
    except Unreadable as error:
        raise Unsuitable(str(error)) from None
    if stripped is None:
        raise Unsuitable("no optimizer state in it")
    names = ", ".join(leftover.name for leftover in stripped.removed)
    return f"optimizer state out ({names}); {stripped.tensors} tensors as they were"


def _read(content: Content) -> ModelFile:
    head = content.head(len(LEGACY_HEAD))
    if head == LEGACY_HEAD:
        return read_torch_legacy(content)
    members = members_of(content) if head.startswith(MAGIC) else []
    if not is_torch_zip(members):
        raise Unreadable("not a checkpoint of torch")
    return read_torch_zip(content, members)


def _refuse(model: ModelFile) -> None:
    if model.format is Format.TORCHSCRIPT:
        raise Unreadable("TorchScript, which has no optimizer state")
    if model.unread:
        raise Unreadable(model.unread)
    if model.dangers:
        raise Unreadable(f"it would run {model.dangers[0]} when loaded")
    if any(leftover.name == "." for leftover in model.leftovers):
        raise Unreadable("an optimizer's state and nothing else")


def _rewritten(loaded: Loaded, content: Content) -> tuple[bytes, set[str], set[str]]:
    """The pickle without the states, the keys of the storages that it had, and of those that it needs now."""
    if loaded.old_text:
        raise Unreadable("strings of Python 2 in it, which cannot be written again as they were")
    pickle = dump(loaded.value, content, loaded.protocol, _emptied)
    written = Content.of_bytes(pickle)
    again = load(Cursor(written))
    # What is read of what was written must be written alike: nothing was lost or changed on the way.
    if again.broken or dump(again.value, written, loaded.protocol, lambda value: value) != pickle:
        raise Unreadable("its pickle cannot be written again as it was")
    return pickle, _keys(loaded.value, content), _keys(again.value, content)


def _emptied(value: Pairs) -> Pairs:
    if not is_optimizer_state(value):
        return value
    return Pairs([(key, Pairs() if key == "state" else inner) for key, inner in value.items])


def _keys(value: Any, content: Content) -> set[str]:
    found = set()
    for place in places(value, content):
        tensor = torch_tensor(place.value)
        storage = tensor.storage if tensor is not None else torch_storage(place.value)
        if storage is not None:
            if storage.view:
                raise Unreadable("storages that are views of others")
            found.add(storage.key)
    return found


def _write_legacy(content: Content, out: BinaryIO) -> None:
    parts: LegacyParts = legacy_parts(content)
    pickle, _, needed = _rewritten(parts.loaded, content)
    kept = [key for key in parts.order if key in needed]
    _copy(content, 0, parts.pickle, out)
    out.write(pickle)
    out.write(dump(Sequence("list", list(kept)), content, 2, lambda value: value))
    ends = _storage_ends(parts, content.size)
    for key in kept:
        _copy(content, parts.storages[key], ends[key] - parts.storages[key], out)


def _storage_ends(parts: LegacyParts, size: int) -> dict[str, int]:
    starts = [parts.storages[key] for key in parts.order] + [size]
    return dict(zip(parts.order, starts[1:], strict=True))


def _write_zip(content: Content, out: BinaryIO) -> None:
    members = members_of(content)
    top = next(member.name.partition("/")[0] for member in members if member.name.partition("/")[2] == "data.pkl")
    (data,) = [member for member in members if member.name == f"{top}/data.pkl"]
    inside = member_content(content, data, MOST_AT_ONCE)
    pickle, before, needed = _rewritten(load(Cursor(inside)), inside)
    dropped = {f"{top}/data/{key}" for key in before - needed}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for member in members:
            if member.name in dropped:
                continue
            if member is data:
                with archive.open(_entry(member.name, len(pickle), out.tell()), "w") as written:
                    written.write(pickle)
                continue
            if member.method != STORED:
                raise Unreadable(f"member {member.name[:100]!r} is compressed, which torch does not do")
            with archive.open(_entry(member.name, member.size, out.tell()), "w") as written:
                _copy(content, data_offset(content, member), member.size, written)


def _entry(name: str, size: int, at: int) -> zipfile.ZipInfo:
    """An entry whose content is aligned, when its header is written at offset `at`."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.file_size = size
    wide = _ZIP64_EXTRA if size * 1.05 > zipfile.ZIP64_LIMIT else 0
    start = at + _LOCAL_HEADER + len(name.encode()) + wide + 4
    padding = -start % _ALIGNMENT
    entry.extra = _PADDING_FIELD + padding.to_bytes(2, "little") + b"Z" * padding
    return entry


def _copy(content: Content, start: int, count: int, out: Any) -> None:
    for piece in content.pieces(start, count):
        out.write(piece)


def _compare(content: Content, model: ModelFile, target: Path) -> int:
    """The size of `target`, whose storages are those of the model bit for bit; raises Unreadable where not."""
    with target.open("rb") as file:
        written = Content.of(file)
        found = _read(written)
        if found.unread or found.optimizer_bytes or found.calls != model.calls:
            raise Unreadable("what was written does not read as it should")
        if list(map(_shape, found.tensors)) != list(map(_shape, model.tensors)):
            raise Unreadable("what was written has other tensors")
        before = _stretches(content, model.format)
        for key, stretch in _stretches(written, model.format).items():
            if key not in before or _digest(content, before[key]) != _digest(written, stretch):
                raise Unreadable(f"storage {key[:100]!r} was not written as it was")
        return written.size


def _shape(tensor: Tensor) -> tuple[str, str, tuple[int, ...], int]:
    return tensor.name, tensor.dtype, tensor.shape, tensor.bytes


def _stretches(content: Content, kind: Format) -> dict[str, tuple[int, int]]:
    """Where the storages lie, by key: offset and bytes."""
    if kind is Format.TORCH_LEGACY:
        parts = legacy_parts(content)
        ends = _storage_ends(parts, content.size)
        return {key: (start, ends[key] - start) for key, start in parts.storages.items()}
    members = ((member.name.partition("/")[2], member) for member in members_of(content))
    return {name: (data_offset(content, member), member.stored) for name, member in members if name.startswith("data/")}


def _digest(content: Content, stretch: tuple[int, int]) -> bytes:
    found = hashlib.sha256()
    for piece in content.pieces(*stretch):
        found.update(piece)
    return found.digest()
