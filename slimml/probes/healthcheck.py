"""What an image's HEALTHCHECK asks, as a path that says ready or as a command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.oci import documents

if TYPE_CHECKING:
    from slimml.oci.image import Image

_URL = re.compile(r"http://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d{1,5}))?(/[^\s'\"|;&)]*)?")


@dataclass(frozen=True)
class Healthcheck:
    """Either a URL of the service (`port` None where it says none), or `argv` to be run in it."""

    path: str | None = None
    port: int | None = None
    argv: tuple[str, ...] = ()


def healthcheck_of(image: Image) -> Healthcheck | None:
    """The image's HEALTHCHECK (moby's `Healthcheck.Test`), None where it has none."""
    what = "the image config"
    test = documents.sequence(documents.mapping(image.config.runtime, "Healthcheck", what), "Test", what)
    kind, *words = [str(word) for word in test] or ["NONE"]
    if kind == "NONE" or not words:
        return None
    # curl, wget and Python one-liners alike ask a URL of this machine; slimml asks it without them.
    if found := _URL.search(" ".join(words)):
        return Healthcheck(path=found[2] or "/", port=int(found[1] or 80))
    return Healthcheck(argv=("/bin/sh", "-c", words[0]) if kind == "CMD-SHELL" else tuple(words))
