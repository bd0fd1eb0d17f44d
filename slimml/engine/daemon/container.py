"""A container of Docker or Podman."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from slimml.engine.container import Exited, FileStatus, Output, Prepared, RunSpec
from slimml.engine.daemon.attached import Attached
from slimml.engine.daemon.calls import ContainerCalls, NotStarted
from slimml.engine.daemon.control_group import began_at, group_of, of_container
from slimml.engine.daemon.execute import TimedOut, execute
from slimml.engine.daemon.files import files_at, status_at
from slimml.engine.daemon.mounted import mounted_root_of, mounted_status
from slimml.engine.daemon.reach import Reach, where
from slimml.engine.daemon.request import docker_request, podman_request
from slimml.engine.daemon.wording import start_failure
from slimml.engine.leftovers import own_name
from slimml.errors import NotFound, SlimmlError

if TYPE_CHECKING:
    from slimml.engine.bare.control_group import ControlGroup
    from slimml.engine.daemon.engine import DaemonEngine
    from slimml.engine.mounted_root import MountedRoot

_NOTHING: Mapping[str, str] = MappingProxyType({})
_SAMPLE_SECONDS = 0.02
_PAUSE = 0.005
_END_SECONDS = 5
"""how long the last output may come after the end"""
_TRIES = 3
_KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True)
class _Running:
    """What is learnt once when the main process has begun."""

    pid: int | None
    reach: Reach
    group: ControlGroup | None


class DaemonContainer:
    """See `engine.container.Container`. It has its name before it exists, so that it can be removed at any moment."""

    def __init__(self, engine: DaemonEngine, prepared: Prepared, spec: RunSpec) -> None:
        self.name = own_name()
        self.id = self.name
        self._engine = engine
        self._prepared = prepared
        self._spec = spec
        self._attached: Attached | None = None
        self._running: _Running | None = None
        self._peak: int | None = None
        self._ran_out = False
        self.created: Callable[[], None] | None = None
        """called whenever the engine has made it anew, which takes its ID and its mounts from it"""

    @property
    def _calls(self) -> ContainerCalls:
        return self._engine.calls

    def create(self) -> None:
        """Let the engine make it; raises SlimmlError with the engine's words, UsageError."""
        image, handle = self._prepared.image, self._prepared.handle
        circumstances = self._engine.circumstances
        for mount in self._spec.mounts:
            # Podman would make a directory there.
            if self._engine.address.socket_path is not None and not mount.source.exists():
                raise NotFound(f"{mount.source} does not exist, so it cannot be mounted at {mount.target}")
        try:
            if self._engine.name == "podman" and self._spec.resources.gpus is not None:
                request = podman_request(image, handle, self._spec, circumstances, self.name)
                self.id = self._calls.create_by_podman(request)
            else:
                self.id = self._calls.create(self.name, docker_request(image, handle, self._spec, circumstances))
        except NotStarted as refused:
            raise self._failure(refused) from None

    def start(self) -> None:
        """Begin the main process, around what the engine turns out not to be able to do; raises SlimmlError."""
        for _ in range(_TRIES):
            try:
                self._attached = Attached(self._calls.attach(self.id), self._last_look)
                if self._engine.name == "podman":
                    # Attaching let it prepare the process, which may be at its end right after the start.
                    self._running = self._look()
                self._calls.start(self.id)
            except NotStarted as refused:
                if not self._engine.learn(refused.said):
                    raise self._failure(refused) from None
                self.remove()
                self._running = None
                self.create()
                if self.created is not None:
                    self.created()
                continue
            if self._running is None or self._running.pid is None:
                self._running = self._look()
            self._sample()
            return

    def _failure(self, refused: NotStarted) -> SlimmlError:
        return SlimmlError(f"{self._prepared.image.reference} does not start: {start_failure(refused.said)}")

    def _look(self) -> _Running:
        inspected = self._calls.inspect(self.id)
        pid = self._local(inspected.get("State") or {})
        reach = Reach(where(self._engine.address, self._engine.rootless, pid, inspected))
        return _Running(pid, reach, group_of(pid, self.id) if pid is not None else None)

    def _local(self, state: Mapping[str, object]) -> int | None:
        """The main process by its number on this machine, None when it is not on this machine."""
        pid = state.get("Pid")
        if not isinstance(pid, int) or pid <= 0 or self._engine.address.socket_path is None:
            return None
        return pid if of_container(pid, self.id) or began_at(pid, str(state.get("StartedAt"))) else None

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A connection to `port` inside; raises OSError, ConnectionRefusedError while nobody listens; Unsupported."""
        # The address of a container that has ended may be another's by now.
        if self._running is None or self._ended:
            raise ConnectionRefusedError(f"container {self.id} does not run")
        return self._running.reach.connect(port, timeout)

    @property
    def _ended(self) -> bool:
        return self._attached is None or self._attached.ended.is_set()

    def execute(
        self,
        argv: tuple[str, ...],
        *,
        environment: Mapping[str, str] = _NOTHING,
        user: str | None = None,
        directory: str | None = None,
        stdin: bytes = b"",
        timeout: float = 60,
    ) -> Output:
        """Run a command inside; raises TimeoutError, after which it is killed if it runs on this machine."""
        try:
            _, output = execute(
                self._calls,
                self.id,
                argv,
                environment=environment,
                user=user,
                directory=directory,
                stdin=stdin,
                timeout=timeout,
            )
        except TimedOut as late:
            pid = self._calls.executed(late.made).get("Pid")
            if isinstance(pid, int) and pid > 0 and of_container(pid, self.id):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            raise
        self._sample()
        return output

    def logs(self) -> Output:
        """All output so far; the engine keeps none, as its logs would not be the bytes that were written."""
        if self._attached is None:
            return Output(0, b"", b"")
        stdout, stderr = self._attached.taken()
        return Output(0, stdout, stderr)

    def wait(self, timeout: float) -> Exited | None:
        """Wait for the end, of which the end of the output tells."""
        if self._attached is None:
            return None
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if self._attached.ended.wait(max(min(left, _SAMPLE_SECONDS), 0)):
                state = self._calls.inspect(self.id).get("State", {})
                if not state.get("Running"):
                    return self._end(state)
                time.sleep(_PAUSE)  # the engine is about to learn of it, or the program closed its output
            self._sample()
            if left <= 0:
                return None

    def _end(self, state: Mapping[str, Any]) -> Exited:
        code = int(state.get("ExitCode", 0))
        # Podman 4.3 does not always see it.
        out_of_memory = bool(state.get("OOMKilled")) or (code == _KILLED and self._ran_out)
        if out_of_memory:
            # It held all that it may, even where nobody looked in time.
            self._peak = self._spec.resources.memory or self._peak
        return Exited(code, out_of_memory)

    def pid(self) -> int | None:
        """The main process, as long as it runs, if it is this machine's."""
        return None if self._ended or self._running is None else self._running.pid

    def peak_memory(self) -> int | None:
        """The most memory its control group held, as far as was seen: the kernel forgets it with the last process.

        Looked at while `wait` waits, at the end of every command and of the output, and here.
        """
        self._sample()
        if self._peak is None and self._engine.name == "docker":
            with suppress(NotFound):
                told = self._calls.stats(self.id).get("memory_stats", {}).get("max_usage")
                self._peak = told if isinstance(told, int) and told > 0 else None
        return self._peak

    def _sample(self) -> None:
        group = self._running.group if self._running is not None else None
        found = group.peak_memory() if group is not None else None
        if found is not None:
            self._peak = max(found, self._peak or 0)

    def _last_look(self) -> None:
        """At the end of the output, when the control group is mostly still there."""
        self._sample()
        if self._running is not None and self._running.group is not None:
            self._ran_out = self._running.group.ran_out()

    def mounted_root(self) -> MountedRoot | None:
        """See `engine.mounted_root.HasRoot`: there while the container runs; None for an engine elsewhere."""
        return mounted_root_of(self._engine.address, self._calls.inspect(self.id))

    def files(self, path: str) -> dict[str, bytes]:
        """The regular files at or below `path`; see `files.files_at`."""
        return files_at(self._calls, self.id, path)

    def status(self, path: str) -> FileStatus | None:
        """What is at `path`. A Podman that is not root's on this machine names the container's user as owner."""
        here = self._engine.address.socket_path is not None and os.geteuid() == 0 and not self._engine.rootless
        if self._engine.name == "podman" and here:
            return mounted_status(self._calls, self.id, path)
        return status_at(self._calls, self.id, path)

    def put(self, archive: Iterable[bytes]) -> None:
        """Let the engine unpack a tar at the root."""
        self._calls.unpack(self.id, archive)

    def stop(self, grace: float = 5) -> None:
        """The image's stop signal (SIGTERM unless it says another), then SIGKILL."""
        self._sample()
        if self._attached is None:
            return
        self._calls.stop(self.id, grace)
        self._attached.ended.wait(_END_SECONDS)

    def remove(self) -> None:
        """Kill and remove it; what it said can still be read."""
        self._sample()
        self._calls.remove(self.name)
        if self._running is not None:
            self._running.reach.close()
        if self._attached is not None:
            self._attached.close()
