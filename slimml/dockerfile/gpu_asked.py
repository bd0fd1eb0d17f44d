"""Whether a build asks for a GPU, as far as its Dockerfile and its sources tell: what CPU builds depend on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build


def gpu_in_file(build: Build, words: re.Pattern[str]) -> str:
    """Why the Dockerfile itself speaks of a GPU, "" where it does not."""
    found = words.search(build.document.data.decode("utf-8", "replace"))
    return f"the Dockerfile speaks of {found[0]}" if found else ""


def gpu_in_sources(build: Build, words: re.Pattern[str]) -> str:
    """Why the sources may ask for a GPU, "" where they are there and do not."""
    if not build.context.known:
        return "without the build context nobody can see whether the application uses a GPU"
    mentioned = build.context.mentions(words)
    return f"{mentioned} speaks of a GPU" if mentioned else ""
