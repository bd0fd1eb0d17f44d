"""Somebody who looks on while a container runs: a tracer around the runtime, a listener for its system calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


def _nothing() -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Onlooker:
    """`before` gives words to be put before each command of the runtime that starts a process in the container.

    `seccomp` is `linux.seccomp` of its configuration (runtime-spec, config-linux.md), None for none.
    """

    before: Callable[[], Sequence[str]] = _nothing
    seccomp: dict[str, Any] | None = None


NOBODY = Onlooker()
