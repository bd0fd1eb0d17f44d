"""Reports of images that were analysed before: neither layers nor owners have to be looked at to show one again."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING

import msgspec

from slimml import __version__
from slimml.report.analysis import AnalysisReport

if TYPE_CHECKING:
    from slimml.inventory.kept_files import KeptFiles
    from slimml.oci.image import Image
    from slimml.oci.limits import Limits

_ROOMS = ("slimml.oci", "slimml.oci.tar", "slimml.inventory", "slimml.inventory.owners", "slimml.bloat")
_MORE_ROOMS = (
    "slimml.bloat.detectors",
    "slimml.native",
    "slimml.slim.replacing",
    "slimml.slim.layout",
    "slimml.report",
)


def kept_report(files: KeptFiles, image: Image, limits: Limits, listed: int) -> AnalysisReport | None:
    """The report of this very image, made by this very slimml; None where there is none. `listed` as in `analyse`."""
    return files.read(_name(image, limits, listed), _load, (msgspec.MsgspecError, ValueError))


def keep_report(files: KeptFiles, image: Image, limits: Limits, listed: int, report: AnalysisReport) -> None:
    """Keep a report for the next time. One with names that are no text is not kept."""
    try:
        found = msgspec.msgpack.encode(report)
    except UnicodeEncodeError:
        return

    def dump(file: IO[bytes]) -> None:
        file.write(found)

    files.write(_name(image, limits, listed), dump)


def _load(file: IO[bytes]) -> AnalysisReport:
    return msgspec.msgpack.decode(file.read(), type=AnalysisReport)


def _name(image: Image, limits: Limits, listed: int) -> str:
    """All that a report depends on: image, the name it goes by, how it is read, and who looks at it."""
    layers = [(layer.descriptor.digest, layer.history) for layer in image.layers]
    told = (str(image.reference), image.manifest.digest, image.config.digest, image.listing is not None, layers)
    return f"{hashlib.sha256(repr((_analyser(), told, limits, listed)).encode()).hexdigest()}.report"


@cache
def _analyser() -> str:
    """This version of slimml; in a checkout, too, where files change and the number does not."""
    found = [__version__]
    for room in (*_ROOMS, *_MORE_ROOMS):
        place = find_spec(room)
        for directory in (place.submodule_search_locations or ()) if place else ():
            with os.scandir(directory) as entries:
                facts = sorted((entry.name, entry.stat()) for entry in entries if entry.name.endswith(".py"))
            found += [f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in facts]
    return "\n".join(found)
