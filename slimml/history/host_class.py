"""The class of a machine: what has to be equal for its times to be compared with another's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from slimml.errors import InvalidImage

_GIB = 1 << 30
_LONGEST = 100


def host_class(host: Mapping[str, Any]) -> str:
    """A class such as `amd-epyc-7763-4c-16g`: processor, how many of them, memory, GPUs.

    `host` is the object `host` of a bench document (schema `bench`). Memory is rounded to the next power of two, since
    virtual machines of one kind differ by some pages. Kernel and system are no part of it: they change by updates, and
    what that does should be seen in the same line. Raises InvalidImage for an object that is none.
    """
    try:
        cores = _cores(host)
        words = [str(host["cpu"]), f"{cores}c", f"{_memory(int(host['memory']))}g"]
        words += [str(gpu["name"]) for gpu in host["gpus"]]
    except (KeyError, TypeError, ValueError):
        raise InvalidImage("the document does not say what machine it was measured on") from None
    return slug(words) or "unknown"


def slug(words: Sequence[str]) -> str:
    """Words as a name of a directory: lower case, and a hyphen for all that is neither letter nor digit."""
    text = re.sub(r"\((r|tm)\)|\bcpu\b|@.*", " ", " ".join(words[:1]).lower()) + " " + " ".join(words[1:]).lower()
    return re.sub(r"[^a-z0-9.]+", "-", text).strip("-.")[:_LONGEST].rstrip("-.")


def _cores(host: Mapping[str, Any]) -> str:
    quota = host.get("quota")
    return f"{float(quota):g}of{int(host['cores'])}" if quota else str(int(host["cores"]))


def _memory(count: int) -> int:
    """Bytes as GiB, rounded up to a power of two; what a kernel takes for itself does not count."""
    found = 1
    while found * _GIB < count:
        found *= 2
    return found
