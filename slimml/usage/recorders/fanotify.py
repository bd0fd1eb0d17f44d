"""Recording by fanotify(7): the kernel tells of every opening on the container's own file system.

The mark is on the overlay itself, set before the first program runs, so that neither mounts made later nor the
kernel's own openings (ELF interpreters, scripts' programs) escape it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from slimml.engine.daemon.engine import DaemonEngine
from slimml.engine.mounted_root import HasRoot, MountedRoot
from slimml.errors import Unavailable
from slimml.usage.recorders.reader import OwnReader, ReaderWatch
from slimml.usage.recording import Operation, Seen

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, Prepared, RunSpec

_READER = "fanotify_reader"
_LATE = "the watch began after the container's program did"
_NOTHING = "no program was seen starting in the container"
_NEVER = "the container's root file system was not seen being mounted"


class FanotifyRecorder:
    """See `usage.recorder.Recorder`."""

    seen = Seen(
        "fanotify",
        (
            "paths that are only asked for (stat, access) or that are not there",
            "symbolic links on the way, and readlink",
            "openings by O_PATH",
            "system calls",
        ),
    )

    def usable(self, engine: Engine) -> str | None:
        """None when it works with this engine on this host, else why not, in words."""
        facts = engine.facts()
        if not facts.storage_driver.startswith(("overlay", "overlayfs")):
            return f"fanotify watches overlays, and {engine.name} keeps containers' files as {facts.storage_driver!r}"
        if isinstance(engine, DaemonEngine) and engine.address.socket_path is None:
            return f"fanotify watches files of this machine, and {engine.name} runs on another"
        if facts.rootless:
            return f"fanotify needs root, and {engine.name} runs without"
        if engine.name == "host" and facts.runtime in ("process", "chroot"):
            return "fanotify watches containers, and programs of a directory run among this machine's own files"
        try:
            OwnReader(_READER).close()
        except Unavailable as error:
            return f"{error} (fanotify takes CAP_SYS_ADMIN; run as root)"
        return None

    @contextmanager
    def watch(self, engine: Engine, prepared: Prepared, spec: RunSpec) -> Iterator[tuple[Container, FanotifyWatch]]:
        """Create a container and watch it; raises Unavailable, and what the engine raises."""
        with ExitStack() as stack:
            container = stack.enter_context(engine.create(prepared, spec))
            # It ends before the container goes: descriptors of events would hold its mount.
            reader = stack.enter_context(OwnReader(_READER))
            watch = FanotifyWatch(reader)
            place_watch(watch, container, engine)
            stack.callback(watch.end)
            yield container, watch

    @contextmanager
    def attach(self, root: MountedRoot) -> Iterator[FanotifyWatch]:
        """Watch what runs already. What was used before is not known."""
        with OwnReader(_READER) as reader:
            watch = FanotifyWatch(reader)
            watch.mark(root, fresh=False)
            try:
                yield watch
            finally:
                watch.end()


class FanotifyWatch(ReaderWatch):
    """See `usage.recorder.Watch`."""

    _fresh = False

    def mark(self, root: MountedRoot, *, fresh: bool = True) -> None:
        """Watch a root, as soon as it is mounted; raises Unavailable."""
        self._fresh = fresh
        if self._reader is not None:
            self._reader.ask("await" if root.at_start else "mark", pid=root.pid, path=root.path, fresh=fresh)

    def lost(self) -> tuple[str, ...]:
        """What may be missing."""
        told = self.take()
        found = list(told["lost"])
        if not told["marked"]:
            found.append(_NEVER)
        elif self._fresh and not any(use.operations & Operation.EXEC for use in self.uses()):
            # Whatever ran, it was seen by another way to the same files, or not at all.
            found.append(_NOTHING)
        return (*found, *((_LATE,) if told["late"] else ()))

    def users(self) -> frozenset[int]:
        """User IDs that programs ran with, as this machine counts them."""
        return frozenset(self.take()["users"])


def place_watch(watch: FanotifyWatch, container: Container, engine: Engine) -> None:
    """Have the root of a container watched from before its start; raises Unavailable where it is out of reach."""

    def place() -> None:
        root = container.mounted_root() if isinstance(container, HasRoot) else None
        if root is None:
            raise Unavailable(
                f"{engine.name} does not tell where on this machine it mounts the files of containers; record with "
                "--runtime runc, or with another --recorder"
            )
        watch.mark(root)

    place()
    if hasattr(container, "created"):
        container.created = place
