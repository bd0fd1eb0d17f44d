"""The closure of recordings: what of an image must be kept with what was used, each row with the reason why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimml.errors import Refused
from slimml.inventory.owners.package import text_of
from slimml.oci.limits import KIB
from slimml.probes.variables import image_variables
from slimml.usage.closure.always import keep_always, keep_environments
from slimml.usage.closure.application import application_directories, keep_named
from slimml.usage.closure.attached import keep_attached, keep_links
from slimml.usage.closure.directories import keep_empty, keep_parents, keep_written
from slimml.usage.closure.distributions import Distributions
from slimml.usage.closure.keeping import Keeping
from slimml.usage.closure.libraries import Libraries
from slimml.usage.closure.modules import Modules
from slimml.usage.closure.packages import Packages, dropped_owners
from slimml.usage.closure.plugins import keep_plugins
from slimml.usage.closure.python_names import Names
from slimml.usage.closure.recorded import keep_recorded
from slimml.usage.closure.scripts import FIRST_LINE, keep_interpreters, script_rows
from slimml.usage.closure.search_path import configuration_rows
from slimml.usage.closure.texts import TEXT_BYTES, Texts
from slimml.usage.closure_result import Closure, Depth

if TYPE_CHECKING:
    from slimml.inventory.read_rows import Read
    from slimml.inventory.table import Inventory
    from slimml.usage.recording import Recording

_SMALL_SCRIPT = 8 * KIB
_WITH_EXTRAS = re.compile(r"(?<![A-Za-z0-9._-])[A-Za-z0-9][A-Za-z0-9._-]*+\[[A-Za-z0-9,._ -]++\]")


def close(inventory: Inventory, recordings: Sequence[Recording], depth: Depth, read: Read) -> Closure:
    """What must be kept of `inventory` for what `recordings` saw, at this depth; `read` gives contents of its rows.

    What is kept grows with the depth (strict, module, distribution) and with every further recording.
    Raises Refused for recordings that lost something, are of another image, or are none; and what `read` raises.
    """
    _check(inventory, recordings)
    keeping = Keeping(inventory, depth)
    keep_recorded(keeping, recordings)
    texts = Texts(keeping, read)
    scripts = script_rows(keeping, recordings)
    _read_ahead(keeping, texts, scripts)
    keep_interpreters(keeping, scripts, texts)
    keep_always(keeping)
    keep_written(keeping)
    packages = Packages(keeping)
    names = Names(keeping, application_directories(keeping))
    distributions = Distributions(keeping, names, _asked(keeping, texts))
    if depth is not Depth.STRICT:
        packages.keep_own_files()
        keep_named(keeping, names, read, texts)
    libraries = Libraries(keeping, read, texts, image_variables(inventory.image))
    modules = Modules(keeping, names, packages, read)
    while not keeping.settled:
        _settle(keeping, packages, distributions)
        if depth is Depth.MODULE:
            modules.keep_imported()
        keep_environments(keeping)
        libraries.keep_needed()
        if keeping.settled:
            keep_links(keeping)
    packages.keep_records_of_parts()
    keep_empty(keeping)
    keep_parents(keeping)
    keep_links(keeping)  # to directories, of which only now is known whether they stay
    keep_parents(keeping)
    return Closure(
        depth,
        keeping.why > 0,
        keeping.why,
        keeping.reasons,
        dropped_owners(keeping),
        tuple(keeping.notes),
    )


def _settle(keeping: Keeping, packages: Packages, distributions: Distributions) -> None:
    """Follow everything that needs no reading, until nothing new joins."""
    while not keeping.settled:
        for row in keeping.take_rows():
            keep_attached(keeping, row)
            keep_plugins(keeping, row)
            packages.owner_of(row)
        for owner in keeping.take_owners():
            packages.keep_parts(owner)
            packages.keep_required(owner)
        if keeping.settled and keeping.depth is not Depth.STRICT:
            distributions.keep_required()
            distributions.keep_plugins()


def _check(inventory: Inventory, recordings: Sequence[Recording]) -> None:
    name = str(inventory.image.reference)
    if not recordings:
        raise Refused(f"{name}: nothing was recorded; record its use first with slimml record")
    for recording in recordings:
        if recording.diff_ids != inventory.image.config.diff_ids:
            raise Refused(f"{name}: the recording is of another image ({recording.image}); record this one")
        if not recording.complete:
            raise Refused(
                f"{name}: the recording is incomplete ({recording.lost[0]}), and what was not seen would be removed; "
                "record again, with another recorder if it stays so"
            )


def _read_ahead(keeping: Keeping, texts: Texts, scripts: Sequence[int]) -> None:
    """Read the small files that several rules will ask for at once: a compressed layer is read from its beginning."""
    sizes = keeping.inventory.column("size")
    wanted = {row: TEXT_BYTES if sizes[row] <= _SMALL_SCRIPT else FIRST_LINE for row in scripts}
    wanted |= dict.fromkeys([*configuration_rows(keeping), *_requirement_rows(keeping)], TEXT_BYTES)
    texts.ahead(wanted)


def _requirement_rows(keeping: Keeping) -> list[int]:
    """The application's own lists of requirements."""
    return [
        row
        for path, row in sorted(keeping.live.items())
        if path.endswith(".txt") and "requirements" in path.rpartition("/")[2] and "-packages/" not in path
    ]


def _asked(keeping: Keeping, texts: Texts) -> list[str]:
    """What the application's own lists of requirements and the build steps ask for with extras."""
    if keeping.depth is Depth.STRICT:
        return []
    found = texts.read(_requirement_rows(keeping))
    lines = [line.strip() for content in found.values() for line in text_of(content).split("\n") if "[" in line]
    steps = " ".join(entry.created_by for entry in keeping.inventory.image.config.history)
    return [*lines, *_WITH_EXTRAS.findall(steps)]
