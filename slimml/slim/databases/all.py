"""All databases of an image at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.slim.databases import alternatives, apk, conda, dpkg, python
from slimml.slim.databases.removal import Removal, Update

if TYPE_CHECKING:
    from slimml.slim.plan import Edit


def update_alternatives(removal: Removal) -> Update:
    """What becomes of links that the removal would leave dangling."""
    return alternatives.update(removal)


def update_databases(removal: Removal) -> dict[str, Edit]:
    """The edits of package databases, by path, once it is known what goes."""
    edits: dict[str, Edit] = {}
    for system in (python, conda, apk):
        edits |= system.update(removal).edits
    # dpkg comes last: it has checksums of what the others edit.
    known = removal.root.captured
    edited = {path: edit.apply(known[path]) for path, edit in edits.items() if path in known}
    return edits | dict(dpkg.update(removal, edited).edits)
