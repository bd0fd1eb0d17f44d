"""Data sets, folders of pictures and notebooks among the application's own files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.packages import unpackaged
from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_LEAST_BYTES = 1 << 20
_TABLES = (
    "csv",
    "tsv",
    "parquet",
    "arrow",
    "feather",
    "npz",
    "npy",
    "h5ad",
    "tfrecord",
    "tfrecords",
    "jsonl",
    "ndjson",
)
_TABLES_MORE = ("mdb", "lmdb", "avro", "orc", "zarr", "recordio", "wds", "libsvm", "sas7bdat", "dta")
_PICTURES = ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "wav", "flac", "mp3", "ogg")
_MANY_PICTURES = 500
_PICTURE_BYTES = 10 << 20
_FIX = "Name it in .dockerignore, or COPY only what the service opens; mount or fetch data when the container starts."


def datasets(inventory: Inventory) -> Iterator[Proposal]:
    """Files of no package that look like what a model was trained or tried with."""
    facts = path_facts(inventory)
    own = facts.content & ~facts.in_site & unpackaged(inventory)
    tables = own & facts.suffixed(*_TABLES, *_TABLES_MORE) & (facts.size >= _LEAST_BYTES)
    yield Proposal(
        "data-sets",
        "Data sets",
        Risk.ASK,
        Action.DROP,
        np.flatnonzero(tables),
        _FIX,
        "tables and arrays of a megabyte and more; a service may read some of them at its start",
    )
    yield Proposal(
        "media-collections",
        "Folders of many pictures or recordings",
        Risk.ASK,
        Action.DROP,
        np.flatnonzero(_collections(inventory, own)),
        _FIX,
        f"trees of at least {_MANY_PICTURES} media files, as training data have",
    )
    yield Proposal(
        "notebooks",
        "Notebooks",
        Risk.ASK,
        Action.DROP,
        np.flatnonzero(own & facts.suffixed("ipynb")),
        "Name *.ipynb in .dockerignore.",
        "people open notebooks; programs such as papermill may run them",
    )


def _collections(inventory: Inventory, own: Mask) -> Mask:
    """Media files beneath the outermost directories (below the top level) that hold enough of them."""
    facts = path_facts(inventory)
    media = own & facts.suffixed(*_PICTURES)
    if not media.any():
        return media
    places = facts.directory[media]
    count = np.concatenate([[0], np.cumsum(np.bincount(places, minlength=len(facts.directories)))])
    weight = np.bincount(places, weights=facts.size[media], minlength=len(facts.directories))
    total = np.concatenate([[0], np.cumsum(weight)])
    starts = np.arange(len(facts.directories))
    enough = count[facts.ends] - count[starts] >= _MANY_PICTURES
    enough &= total[facts.ends] - total[starts] >= _PICTURE_BYTES
    enough[0] = False
    return media & facts.beneath_positions(np.flatnonzero(enough).tolist())
