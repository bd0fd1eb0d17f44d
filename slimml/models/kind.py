"""Which format a model file has, for those who are about to change it."""

from __future__ import annotations

from pathlib import Path

from slimml.models.model_file import Format
from slimml.models.recognise import recognise_file
from slimml.models.unsuitable import Unsuitable


def kind_of(path: Path) -> Format | None:
    """The format of the file at `path`, None where it is no model; raises Unsuitable for one that is damaged, or that
    runs something dangerous when it is loaded.
    """
    found = recognise_file(path)
    if found is None:
        return None
    if found.unread:
        raise Unsuitable(f"it cannot be read ({found.unread})")
    if found.dangers:
        raise Unsuitable(f"loading it calls {found.dangers[0]}, and nobody should")
    return found.format
