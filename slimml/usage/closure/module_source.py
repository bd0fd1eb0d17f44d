"""What a module of a distribution may import, by its words alone: a hundred times as quick as by its syntax.

An import in a docstring counts too, which keeps a module too much and never one too few. The application's own
sources, which decide on whole distributions, are read by their syntax (slimml.usage.closure.python_source).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from slimml.inventory.owners.package import text_of
from slimml.usage.closure.python_source import IMPORTERS, LOADERS, SOURCE_BYTES, Source

_JOINED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"#[^\n]*")
# Possessive, so that no file, however it is made, takes more than linear time.
_FROM = re.compile(
    r"(?:^|[:;])[ \t]*+from[ \t]*+(\.*+)[ \t]*+((?:(?!import\b)[\w.]++)?)[ \t]*+import\b[ \t]*+"
    r"(\(?+)([^\n;]*+)",
    re.MULTILINE,
)
_IMPORT = re.compile(r"(?:^|[:;])[ \t]*+import[ \t]++([^\n;]++)", re.MULTILINE)
_CALL = re.compile(rf"(?<!def )\b(?:{'|'.join(sorted(IMPORTERS))})\s*+\(\s*+(?:(['\"])([\w.]++)\1\s*+[,)])?")
_LOADS = re.compile(rf"\b(?:{'|'.join(sorted(LOADERS))})\s*+\(")
_LATE = re.compile(r"^def __getattr__\b", re.MULTILINE)
_TEXT = re.compile(r"['\"]([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)['\"]", re.ASCII)
_LONGEST_LIST = 1 << 16
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.\w+)*")


class ModuleTaker:
    """Takes a source (slimml.inventory.read_rows.Taker) and keeps it compressed until it is asked for."""

    def __init__(self) -> None:
        self._content = b""
        self._packed: bytes | None = None

    def begin(self, size: int) -> None:
        """The file begins."""
        self._content = b""
        self._wanted = size <= SOURCE_BYTES

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        if self._wanted:
            self._content += bytes(piece)

    def end(self) -> None:
        """The file is complete."""
        self._packed = zlib.compress(self._content, 1) if self._wanted else None
        self._content = b""

    @property
    def found(self) -> Source:
        """What the source says; nothing (`read` False) for one of more than 4 MiB."""
        return Source(read=False) if self._packed is None else read_module(zlib.decompress(self._packed))


def read_module(content: bytes) -> Source:
    """What a source may import, wherever in it."""
    text = _COMMENT.sub("", _JOINED.sub(" ", text_of(content)))
    imports: set[str] = set()
    relative: set[tuple[int, str]] = set()
    for match in _FROM.finditer(text):
        dots, module, bracket, listed = match.groups()
        if bracket:
            end = text.find(")", match.end(3), match.end(3) + _LONGEST_LIST)
            listed = text[match.end(3) : end] if end >= 0 else listed
        names = [f"{module}.{name}" if module else name for name in _listed(listed)]
        if dots:
            relative.update((len(dots), name) for name in (module, *names))
        elif module:
            imports.update((module, *names))
    for match in _IMPORT.finditer(text):
        imports.update(_listed(match[1]))
    makes_up = False
    for match in _CALL.finditer(text):
        name = match[2]
        if not name or not name.strip("."):
            makes_up = True
        elif name.startswith("."):
            relative.add((len(name) - len(name.lstrip(".")), name.lstrip(".")))
        else:
            imports.add(name)
    return Source(
        imports=frozenset(imports),
        relative=frozenset(relative),
        texts=frozenset(_TEXT.findall(text)),
        makes_up=makes_up,
        loads_libraries=_LOADS.search(text) is not None,
        loads_late=_LATE.search(text) is not None,
    )


def _listed(names: str) -> Iterator[str]:
    for part in names.strip("() \t\r\n").split(","):
        match = _DOTTED.match(part.strip())
        if match:
            yield match[0]
