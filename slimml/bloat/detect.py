"""All detectors, and the findings of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimml.bloat.attribute import attribute
from slimml.bloat.detectors.build_tools import build_tools
from slimml.bloat.detectors.bytecode import bytecode
from slimml.bloat.detectors.datasets import datasets
from slimml.bloat.detectors.development_files import development_files
from slimml.bloat.detectors.documentation import documentation
from slimml.bloat.detectors.duplicates import duplicates
from slimml.bloat.detectors.frameworks import frameworks
from slimml.bloat.detectors.hub_cache import hub_cache
from slimml.bloat.detectors.leftovers import leftovers
from slimml.bloat.detectors.models import models
from slimml.bloat.detectors.native import native
from slimml.bloat.detectors.package_caches import package_caches
from slimml.bloat.detectors.python_distributions import python_distributions
from slimml.bloat.detectors.python_files import python_files
from slimml.bloat.detectors.secrets import secrets
from slimml.bloat.detectors.shadowed import shadowed
from slimml.bloat.detectors.temporary import temporary
from slimml.bloat.detectors.tool_caches import tool_caches

if TYPE_CHECKING:
    from slimml.bloat.finding import Detector, Finding
    from slimml.inventory.table import Inventory

ALL: tuple[Detector, ...] = (
    shadowed,
    secrets,
    package_caches,
    hub_cache,
    tool_caches,
    bytecode,
    build_tools,
    python_distributions,
    leftovers,
    temporary,
    python_files,
    development_files,
    documentation,
    models,
    datasets,
    duplicates,
    native,
    frameworks,
)
"""The more specific first: of the same risk, the earlier claims a row."""


def find_bloat(inventory: Inventory, detectors: Sequence[Detector] = ALL) -> list[Finding]:
    """What could go from the image, in the order of claiming (slimml.bloat.attribute); no row is in two findings."""
    return attribute(inventory, [proposal for detector in detectors for proposal in detector(inventory)])
