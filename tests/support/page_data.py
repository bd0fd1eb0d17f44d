"""What a page carries, read as its script reads it."""

import base64
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class PageData:
    """The head as it is, columns as arrays or lists of words."""

    head: dict[str, Any]
    columns: dict[str, Any]

    def paths(self):
        """The path of each row."""
        names, parents, folders = (self.columns[name] for name in ("names", "folder_parent", "folder_name"))
        whole = [""]
        for folder in range(1, len(parents)):
            whole.append(f"{whole[parents[folder]]}{names[folders[folder]]}/")
        rows = zip(self.columns["folder"], self.columns["name"], strict=True)
        return [whole[folder] + names[name] for folder, name in rows]


def data_block(page):
    """The page's data block, as text."""
    return re.search(rb'<script type="text/plain" id="data">([^<]*)</script>', page)[1].decode()


def unpack(packed):
    """What `slimml.report.html.packing.pack` packed."""
    raw = zlib.decompress(packed)
    length = int.from_bytes(raw[:4], "little")
    directory = json.loads(raw[4 : 4 + length])
    return PageData(
        directory["head"], {name: _column(raw, 4 + length, it) for name, it in directory["columns"].items()}
    )


def data_of(page):
    """The data of a page."""
    return unpack(base64.b64decode(data_block(page), validate=True))


def _column(raw, start, column):
    at, count = start + column["offset"], column["count"]
    if column["type"] == "words":
        return raw[at : at + column["bytes"]].decode().split("\n") if count else []
    kind = np.dtype(f"<{column['type']}")
    planes = np.frombuffer(raw, np.uint8, kind.itemsize * count, at).reshape(kind.itemsize, count)
    return np.ascontiguousarray(planes.T).view(kind).reshape(count)
