"""What a probe expects besides equality with the original, in words where an answer does not meet it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.probes.probe import CommandProbe, HttpProbe
    from slimml.probes.request import Response


def of_response(probe: HttpProbe, response: Response) -> tuple[str, ...]:
    """Complaints about a response."""
    found = []
    if probe.status is not None and response.status != probe.status:
        found.append(f"answered {response.status}, not {probe.status}")
    if probe.status is None and response.status >= 400:
        found.append(f"answered {response.status}; say status = {response.status} if that is right")
    found += [f"the answer does not hold {text!r}" for text in probe.contains if text.encode() not in response.body]
    return tuple(found)


def of_output(probe: CommandProbe, code: int, stdout: bytes, stderr: bytes) -> tuple[str, ...]:
    """Complaints about what a command said."""
    return (
        *of_code(probe.code, code),
        *of_text("standard output", stdout, probe.output, probe.excluded),
        *of_text("standard error", stderr, probe.errors, probe.excluded_errors),
    )


def of_code(expected: int | None, code: int) -> tuple[str, ...]:
    """A complaint about an exit code."""
    return (f"ended with code {code}, not {expected}",) if expected is not None and code != expected else ()


def of_text(what: str, content: bytes, wanted: Iterable[str], excluded: Iterable[str]) -> tuple[str, ...]:
    """Complaints about a text that some regular expressions have to match, and some must not."""
    text = content.decode("utf-8", "replace")
    missing = [f"{what} does not match {pattern!r}" for pattern in wanted if not re.search(pattern, text)]
    return (*missing, *(f"{what} matches {pattern!r}" for pattern in excluded if re.search(pattern, text)))
