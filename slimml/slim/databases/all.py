"""All databases of an image at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.slim.databases import alternatives, apk, conda, dpkg, python
from slimml.slim.databases.removal import Removal, Update

if TYPE_CHECKING:
    from slimml.slim.plan import Edit

_FOLLOWING = (dpkg, python, conda, apk)


def update_alternatives(removal: Removal) -> Update:
    """What becomes of links that the removal would leave dangling."""
    return alternatives.update(removal)


def update_databases(removal: Removal) -> dict[str, Edit]:
    """The edits of package databases, by path, once it is known what goes."""
    edits: dict[str, Edit] = {}
    for system in _FOLLOWING:
        edits |= system.update(removal).edits
    return edits
