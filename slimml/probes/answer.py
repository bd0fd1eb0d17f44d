"""What an image said to a probe, as a value that can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """`code` is the HTTP status or the exit code, `body` the response's body or standard output, `errors` standard
    error. `failure` tells in words that there was no answer (refused, timed out, died), None when there was one.
    `seconds` from asking to the last byte. `complaints` are the probe's own expectations that were not met.
    """

    probe: str
    code: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    errors: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0
    failure: str | None = None
    complaints: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether there was an answer and it is what its probe expects."""
        return self.failure is None and not self.complaints


@dataclass(frozen=True)
class Asked:
    """One round of a suite on one image: the answers in the order of the probes, and what the service wrote.

    `ready_seconds` from start to ready, None without a service or when it never was; `failure` says why not.
    """

    answers: tuple[Answer, ...]
    ready_seconds: float | None
    failure: str | None
    stdout: bytes = b""
    stderr: bytes = b""
    peak_memory: int | None = None
