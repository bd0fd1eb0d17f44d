"""Recording by seccomp user notification (seccomp_unotify(2)): a bare runtime's containers ask before each call.

Sees what fanotify does not (stat, readlink, what is not there) and needs no root; costs some 20 µs a call.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.engine.bare.engine import BareEngine
from slimml.engine.bare.onlooker import Onlooker
from slimml.engine.keeper.ground import ROOT_IN_NAMESPACE
from slimml.errors import SlimmlError, Unavailable
from slimml.usage.recorders.path_calls import AT_EMPTY_PATH, CALLS, EMPTY_PATH_FLAGS, known_machine
from slimml.usage.recorders.reader import Reader, ReaderWatch, reader_words
from slimml.usage.recording import Seen

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, Prepared, RunSpec
    from slimml.engine.keeper.ask import Keeper

_ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
_ARCHITECTURES = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}
_ENDING_SECONDS = 30


class NotifyRecorder:
    """See `usage.recorder.Recorder`."""

    seen = Seen(
        "notify",
        (
            "what the kernel itself opens (the ELF interpreter, the program of a script)",
            "openings through io_uring",
            "openings by handle, and by programs that changed their root",
            "system calls that name no path",
        ),
    )

    def usable(self, engine: Engine) -> str | None:
        """None when it works with this engine on this host, else why not, in words."""
        if not isinstance(engine, BareEngine):
            return f"seccomp notification is for bare runtimes, not for {engine.name} (--runtime runc)"
        if known_machine() is None:
            return f"seccomp notification: the system calls of {platform.machine()} are not known"
        with suppress(OSError):
            if "user_notif" in _ACTIONS.read_text("ascii").split():
                return None
        return "this kernel has no seccomp notification (Linux 5.0)"

    @contextmanager
    def watch(self, engine: Engine, prepared: Prepared, spec: RunSpec) -> Iterator[tuple[Container, NotifyWatch]]:
        """Create a container and watch it; raises Unavailable, and what the engine raises."""
        assert isinstance(engine, BareEngine)
        with ExitStack() as stack:
            # It ends after the container: a call that nobody answers fails.
            reader = stack.enter_context(KeptReader(engine.keeper_of(prepared), "notify_reader"))
            onlooker = Onlooker(seccomp=seccomp_document(reader.greeting["socket"]))
            container = stack.enter_context(engine.create(prepared, spec, onlooker))
            watch = NotifyWatch(reader, users_known=engine.keeper_of(prepared).user != ROOT_IN_NAMESPACE)
            stack.callback(watch.end)
            yield container, watch


class KeptReader(Reader):
    """A reader in the namespaces of a keeper, whose root may look into the container's processes."""

    def __init__(self, keeper: Keeper, module: str) -> None:
        self._keeper = keeper
        given, requests = os.pipe2(os.O_CLOEXEC)
        answers, giving = os.pipe2(os.O_CLOEXEC)
        try:
            self._pid = keeper.spawn(reader_words(module, str(keeper.ground)), (given, giving, 2))
        except BaseException:
            os.close(requests)
            os.close(answers)
            raise
        finally:
            os.close(given)
            os.close(giving)
        super().__init__(os.fdopen(requests, "wb"), os.fdopen(answers, "rb"))

    def close(self) -> None:
        """Let it end, and wait for that."""
        super().close()
        with suppress(SlimmlError):
            self._keeper.ended(self._pid, _ENDING_SECONDS)


class NotifyWatch(ReaderWatch):
    """See `usage.recorder.Watch`; uses have the names that programs gave."""

    def __init__(self, reader: Reader, *, users_known: bool) -> None:
        super().__init__(reader)
        self._users_known = users_known

    def end(self) -> None:
        """Take what is there; what comes later is not recorded."""
        with suppress(Unavailable):
            super().end()
        self._reader = None

    def lost(self) -> tuple[str, ...]:
        """What may be missing."""
        told = self.take()
        return tuple(told["lost"]) if told["uses"] else (*told["lost"], "the runtime handed over no listener")

    def users(self) -> frozenset[int]:
        """User IDs that programs ran with; none where the namespace knows one user only, so that all run as root."""
        return frozenset(self.take()["users"] if self._users_known else ())


def seccomp_document(listener: str) -> dict[str, Any]:
    """`linux.seccomp` (runtime-spec, config-linux.md): everything is allowed, calls that name paths are asked about."""
    plain = [name for name in CALLS if name not in EMPTY_PATH_FLAGS]
    rules: list[dict[str, Any]] = [{"names": plain, "action": "SCMP_ACT_NOTIFY"}]
    for name, argument in EMPTY_PATH_FLAGS.items():
        without = {"index": argument, "value": AT_EMPTY_PATH, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
        rules.append({"names": [name], "action": "SCMP_ACT_NOTIFY", "args": [without]})
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": _ARCHITECTURES[platform.machine()],
        "listenerPath": listener,
        "syscalls": rules,
    }
