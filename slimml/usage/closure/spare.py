"""What even a package that is kept whole can do without: documentation, tests, headers, caches; licences stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.detectors.development_files import development_files
from slimml.bloat.detectors.documentation import documentation
from slimml.bloat.detectors.leftovers import leftovers
from slimml.bloat.detectors.package_caches import package_caches
from slimml.bloat.detectors.python_files import python_files
from slimml.bloat.detectors.temporary import temporary
from slimml.bloat.detectors.tool_caches import tool_caches
from slimml.bloat.finding import Action, Risk
from slimml.bloat.protected import protected

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_DETECTORS = (package_caches, tool_caches, leftovers, temporary, python_files, development_files, documentation)


def spare_rows(inventory: Inventory) -> NDArray[np.bool_]:
    """Rows that no rule keeps for their package's sake; one that was used, or that a kept file needs, is kept."""
    spare = np.zeros(len(inventory.paths), dtype=bool)
    for detector in _DETECTORS:
        for proposal in detector(inventory):
            if proposal.action is Action.DROP and proposal.risk is not Risk.ASK:
                spare[proposal.rows] = True
    return np.asarray(spare & ~protected(inventory), dtype=bool)
