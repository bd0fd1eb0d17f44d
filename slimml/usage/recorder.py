"""What every recorder offers: it watches one container from before its first program runs until it is removed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, Prepared, RunSpec
    from slimml.usage.recording import Seen, Use


class Watch(Protocol):
    """One container being watched; ask when it has ended, or between two probes."""

    def uses(self) -> tuple[Use, ...]:
        """Everything that was used so far, each path once, in order of first use."""

    def lost(self) -> tuple[str, ...]:
        """In words, what may be missing: a queue that ran over, a watcher that came late."""

    def syscalls(self) -> frozenset[str]:
        """Names of the system calls seen; empty where this recorder does not tell them."""

    def users(self) -> frozenset[int]:
        """User IDs that programs ran with."""


class Recorder(Protocol):
    """A way of recording."""

    seen: Seen

    def usable(self, engine: Engine) -> str | None:
        """None when it works with this engine on this host, else why not, in words."""

    def watch(
        self, engine: Engine, prepared: Prepared, spec: RunSpec
    ) -> AbstractContextManager[tuple[Container, Watch]]:
        """Create a container and watch it; the caller starts it. It is removed, and the watch over, at the end."""


FindRecorder = Callable[["Engine", str], Recorder]
"""`find_recorder(engine, wanted)`: the recorder `wanted`, or for `auto` the one that sees most and works here."""
