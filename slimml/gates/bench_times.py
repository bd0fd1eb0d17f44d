"""Pull and start times out of a document that `slimml bench --json` printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from slimml.errors import AccessDenied, NotFound, UsageError

SCHEMA = "slimml.bench/1"
_MOST_BYTES = 64 << 20


class Estimate(msgspec.Struct, frozen=True):
    """A median and its 95 % interval."""

    value: float
    low: float
    high: float
    rounds: int = 1


class Image(msgspec.Struct, frozen=True):
    """Which image, as `bench` was told; `digest` is None for a directory."""

    reference: str
    digest: str | None
    position: int


class Figures(msgspec.Struct, frozen=True):
    """One image in one setting. `ratio` is to the image at position 0."""

    image: Image
    seconds: Estimate | None
    ratio: Estimate | None
    failures: tuple[str, ...] = ()


class Setting(msgspec.Struct, frozen=True):
    """What was measured in one way."""

    measure: str
    link: str | None
    page_cache: str | None
    images: tuple[Figures, ...]


class _Summary(msgspec.Struct, frozen=True):
    settings: tuple[Setting, ...]


class _Document(msgspec.Struct, frozen=True):
    schema: str
    summary: _Summary


@dataclass(frozen=True)
class Times:
    """The settings of one document; `path` is the file."""

    path: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Timed:
    """One image in one setting of one document."""

    times: Times
    setting: Setting
    figures: Figures

    @property
    def circumstances(self) -> str:
        """The setting in words."""
        return self.setting.link or self.setting.page_cache or ""


def read_times(path: Path) -> Times:
    """The times in a file. Raises NotFound, AccessDenied, UsageError."""
    try:
        with path.open("rb") as file:
            found = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist; slimml bench --json writes such a file") from None
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from None
    if len(found) > _MOST_BYTES:
        raise UsageError(f"{path} is larger than {_MOST_BYTES >> 20} MiB; that is no document of slimml bench --json")
    try:
        document = msgspec.json.decode(found, type=_Document)
        if document.schema != SCHEMA:
            raise ValueError(f"its schema is {document.schema!r}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no document of slimml bench --json ({SCHEMA}): {error}") from None
    return Times(str(path), document.summary.settings)


def images_of(documents: Sequence[Times]) -> list[str]:
    """The images that the documents tell of, each once."""
    named = (one.image.reference for times in documents for setting in times.settings for one in setting.images)
    return list(dict.fromkeys(named))


def timed(documents: Sequence[Times], measure: str, names: frozenset[str]) -> list[Timed]:
    """What was measured of the image that has one of these names or digests; a digest is asked before a name."""
    every = [
        Timed(times, setting, figures)
        for times in documents
        for setting in times.settings
        if setting.measure == measure
        for figures in setting.images
    ]
    by_digest = [one for one in every if one.figures.image.digest in names]
    return by_digest or [one for one in every if one.figures.image.reference in names]
