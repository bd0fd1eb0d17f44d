"""Pickles and joblib files, also compressed ones: what loading would import, and the arrays inside.

Nothing is ever loaded: `models.pickles` describes what is there.
"""

from __future__ import annotations

import bz2
import lzma
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from slimml.models.content import Content, Cursor, Unreadable
from slimml.models.model_file import Format, Leftover, ModelFile, Tensor, bytes_by_dtype
from slimml.models.pickles.arrays import MAKERS, WRAPPER, array_at, following
from slimml.models.pickles.calls import described
from slimml.models.pickles.machine import Loaded, load
from slimml.models.pickles.tensors import checked_count, places
from slimml.models.pickles.values import Global, Made, Pairs

MOST_UNPACKED_BYTES: Final = 512 << 20
_PIECE: Final = 256 << 10
_HEAD: Final = 64
_BINARY: Final = re.compile(rb"\A\x80[\x02-\x05]")
_TEXT: Final = re.compile(
    rb"\A(\(?c[A-Za-z_][\w.]*\r?\n[A-Za-z_][\w.]*\r?\n|\(i[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|\([dl]p\d+\n|[\]}]q\x00)"
)
_LIBRARIES: Final = {"sklearn": "scikit-learn", "xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost"}


class _Unpacker(Protocol):
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def unpacker_of(head: bytes) -> Callable[[], _Unpacker] | None:
    """What unpacks a stream that begins so, of the compressions that joblib has (not LZ4); None where it is none."""
    if head[:2] == b"\x1f\x8b":
        return lambda: zlib.decompressobj(wbits=31)
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return zlib.decompressobj
    if head[:6] == b"\xfd7zXZ\0" or head[:3] == b"\x5d\0\0":
        return lambda: lzma.LZMADecompressor(memlimit=256 << 20)
    if head[:3] == b"BZh":
        return bz2.BZ2Decompressor
    return None


def looks_like_pickle(head: bytes) -> bool:
    """Whether a file that begins so is a pickle, most probably."""
    return bool(_BINARY.match(head) or _TEXT.match(head))


def is_binary(head: bytes) -> bool:
    """Whether a file that begins so is a pickle of protocol 2 or later, packed or not."""
    return bool(_BINARY.match(head)) or unpacker_of(head) is not None


def is_packed_pickle(content: Content) -> bool:
    """Whether the content is a compressed pickle, by the first bytes of what is in it."""
    head = content.head(4096)
    unpacker = unpacker_of(head)
    if unpacker is None:
        return False
    try:
        return _BINARY.match(unpacker().decompress(head, _HEAD)) is not None
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError):
        return False


def read_packed_pickle(content: Content) -> ModelFile:
    """The compressed pickle in `content`; raises Unreadable."""
    with _unpacked(content) as inner:
        return read_pickle(inner, packed_bytes=content.size)


@contextmanager
def _unpacked(content: Content) -> Iterator[Content]:
    unpacker = unpacker_of(content.head(8))
    assert unpacker is not None
    unpack, total = unpacker(), 0
    with tempfile.TemporaryFile() as file:
        try:
            for piece in content.pieces(0, content.size):
                while found := unpack.decompress(piece, _PIECE):
                    total += len(found)
                    if total > MOST_UNPACKED_BYTES:
                        raise Unreadable(f"more than {MOST_UNPACKED_BYTES:,} bytes when unpacked")
                    file.write(found)
                    if getattr(unpack, "eof", False):
                        break
                    piece = getattr(unpack, "unconsumed_tail", b"")
                if getattr(unpack, "eof", False):
                    break
        except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
            raise Unreadable(f"it cannot be unpacked: {str(error)[:100]}") from None
        if not getattr(unpack, "eof", True):
            raise Unreadable("its compressed data end early")
        file.flush()
        yield Content.of(file)


def read_pickle(content: Content, packed_bytes: int | None = None) -> ModelFile:
    """The pickle in `content`, which was unpacked from `packed_bytes` if given."""
    loaded, joblib = Loaded(), dict[int, int | None]()
    cursor = Cursor(content)
    load(cursor, following(loaded, joblib), loaded)
    # A file may hold several, for who loads again and again; what they would run counts, too.
    further = loaded
    while not further.broken and looks_like_pickle(content.at(cursor.position, min(_HEAD, cursor.left))):
        further = load(cursor, into=Loaded(globals=loaded.globals))
    kind = Format.JOBLIB if Global(*WRAPPER.rsplit(".", 1)) in loaded.globals or packed_bytes else Format.PICKLE
    size = content.size if packed_bytes is None else packed_bytes
    if loaded.broken:
        return ModelFile(kind, size, calls=described(loaded.globals), unread=loaded.broken)
    tensors, optimizer, numbers = _arrays(loaded, joblib, content, placed=packed_bytes is None)
    remarks = _remarks(loaded)
    if packed_bytes is not None:
        remarks.append(f"compressed, {content.size:,} bytes when unpacked")
    return ModelFile(
        kind,
        size,
        parameters=numbers,
        bytes_by_dtype=bytes_by_dtype(tensors),
        tensors=tuple(tensors),
        optimizer_bytes=sum(optimizer.values()),
        leftovers=tuple(Leftover(place, count, "optimizer state") for place, count in optimizer.items()),
        calls=described(loaded.globals),
        remarks=tuple(remarks),
    )


def _arrays(
    loaded: Loaded, joblib: dict[int, int | None], content: Content, *, placed: bool
) -> tuple[list[Tensor], dict[str, int], int]:
    """The arrays, the optimizer's bytes by place, and how many numbers the arrays have."""
    if MAKERS.isdisjoint(map(str, loaded.globals)):
        return [], {}, 0  # a program's own data may be large, and looking through them takes as long as reading them
    tensors: list[Tensor] = []
    optimizer: dict[str, int] = {}
    numbers = 0
    for place in places(loaded.value, content):
        array = array_at(place.value, joblib)
        if array is None:
            continue
        if place.optimizer:
            optimizer[place.optimizer] = optimizer.get(place.optimizer, 0) + array.bytes
            continue
        tensor = Tensor(place.path, array.dtype.word, array.shape, array.bytes, array.offset if placed else None)
        numbers += tensor.elements * array.dtype.numbers
        tensors.append(tensor)
        checked_count(tensors)
    return tensors, optimizer, numbers


def _remarks(loaded: Loaded) -> list[str]:
    """What library's object it is, and of which version, where it says so."""
    root = loaded.value
    if not isinstance(root, Made):
        return []
    kind: Any = root.called
    if (
        root.calls("copyreg._reconstructor", "copy_reg._reconstructor")
        and isinstance(root.arguments, tuple)
        and root.arguments
    ):
        kind = root.arguments[0]
    if not isinstance(kind, Global):
        return []
    library = _LIBRARIES.get(kind.module.partition(".")[0], kind.module.partition(".")[0])
    state = root.state()
    version = state.get("_sklearn_version") if isinstance(state, Pairs) else None
    return [f"{kind.name} of {library}{f' {version}' if type(version) is str else ''}"]
