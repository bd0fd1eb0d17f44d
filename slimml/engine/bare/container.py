"""One container of runc or crun, through the keeper that its image was unpacked for."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from slimml.engine.bare.bundle import process_json
from slimml.engine.bare.onlooker import NOBODY, Onlooker
from slimml.engine.bare.process import Process, further_process
from slimml.engine.bare.runtime import exec_code, failure, last_error
from slimml.engine.container import Exited, FileStatus, Mount, Output
from slimml.engine.keeper.output import close_all, open_streams, said, shell_code
from slimml.engine.keeper.run import file_status, put_files, read_files, run
from slimml.engine.mounted_root import MountedRoot
from slimml.errors import SlimmlError

if TYPE_CHECKING:
    import socket

    from slimml.engine.bare.bundle import Additions, Surroundings
    from slimml.engine.bare.control_group import ControlGroup
    from slimml.engine.bare.runtime import Runtime
    from slimml.engine.keeper.ask import Keeper

_NOTHING: Mapping[str, str] = MappingProxyType({})
_RUNTIME_SECONDS = 120
"""what a runtime may take to do as it was told on a loaded machine"""


@dataclass(frozen=True)
class Made:
    """What a container consists of. `directory` holds its bundle, `root` is what it sees as /, `state` the runtime's.

    `group` is None where nobody counts.
    """

    directory: Path
    root: Path
    state: Path
    process: Process
    surroundings: Surroundings
    additions: Additions
    mounts: tuple[Mount, ...]
    group: ControlGroup | None
    stop_signal: int
    onlooker: Onlooker = NOBODY


class BareContainer:
    """See `engine.container.Container`."""

    def __init__(self, name: str, keeper: Keeper, runtime: Runtime, made: Made) -> None:
        self.id = name
        self._keeper, self._runtime, self._made = keeper, runtime, made
        self._pid: int | None = None
        self._peak: int | None = None
        self._count = itertools.count(1)
        self._removed = False
        keeper.call("farewell", name=name, argv=self._command("delete", "--force", name))

    def start(self) -> None:
        """Begin the main process; raises SlimmlError when it cannot (no such program)."""
        directory = self._made.directory
        streams = open_streams(self._keeper, directory)
        words = ("run", "--detach", "--bundle", str(directory), "--pid-file", str(directory / "pid"), self.id)
        try:
            command = [*self._made.onlooker.before(), *self._command(*words)]
            runtime = self._keeper.spawn(command, streams, environment=_surroundings())
        finally:
            close_all(streams)
        if self._keeper.ended(runtime, _RUNTIME_SECONDS) != 0:
            self._keeper.signal(runtime, signal.SIGKILL, group=True)
            raise failure(directory / "log", f"{self._runtime.name} could not start {self._made.process.argv[0]!r}")
        self._pid = int((directory / "pid").read_text())

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A TCP connection to `port` on the loopback inside; raises OSError."""
        if self._pid is None:
            raise ConnectionRefusedError(f"{self.id} has not been started")
        try:
            connection = self._keeper.socket(self._pid if self._made.surroundings.network else None)
        except FileNotFoundError:
            raise ConnectionRefusedError(f"{self.id} has ended") from None
        try:
            connection.settimeout(timeout)
            connection.connect(("127.0.0.1", port))
        except BaseException:
            connection.close()
            raise
        return connection

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
        """Run a command in the container; code 126/127 where it cannot run. Raises TimeoutError, UsageError."""
        made = self._made
        process = further_process(
            made.process, argv, self._read, environment=environment, user=user, directory=directory
        )
        stem = made.directory / f"exec-{next(self._count)}"
        document, pid_file, log = (stem.with_suffix(suffix) for suffix in (".json", ".pid", ".log"))
        document.write_text(json.dumps(process_json(process, made.surroundings, made.additions)))
        words = ("exec", "--process", str(document), "--pid-file", str(pid_file), self.id)
        command = [*made.onlooker.before(), *self._runtime.command(made.state, log, *words)]

        def stop(_: int) -> None:
            with suppress(OSError, ValueError):
                self._keeper.signal(int(pid_file.read_text()), signal.SIGKILL, group=True)

        try:
            ended = run(self._keeper, command, stdin=stdin, timeout=timeout, stop=stop, environment=_surroundings())
            message = last_error(log) if ended.code else ""
        finally:
            for path in (document, pid_file, log):
                path.unlink(missing_ok=True)
        if message and self.pid() is None:
            raise SlimmlError(f"{argv[0]!r} cannot be run in {self.id}, which has ended")
        if message:
            return Output(exec_code(message), ended.stdout, f"{message}\n".encode())
        return Output(shell_code(ended.code), ended.stdout, ended.stderr)

    def logs(self) -> Output:
        """What the main process has said so far; raises Refused when that was more than OUTPUT_BYTES."""
        return said(self._made.directory, self.id)

    def wait(self, timeout: float) -> Exited | None:
        """Wait for the main process to end, at most `timeout` seconds; None while it runs."""
        if self._pid is None:
            return None
        code = self._keeper.ended(self._pid, timeout)
        if code is None:
            return None
        group = self._made.group
        return Exited(shell_code(code), code == -signal.SIGKILL and group is not None and group.ran_out())

    def pid(self) -> int | None:
        """The main process in this machine's process table; None when it does not run."""
        return None if self._pid is None or self.wait(0) is not None else self._pid

    def peak_memory(self) -> int | None:
        """The most memory in bytes that the container's control group held; None where nobody counts."""
        if self._made.group is not None:
            self._peak = self._made.group.peak_memory() or self._peak
        return self._peak

    def mounted_root(self) -> MountedRoot | None:
        """See `engine.mounted_root.HasRoot`: a mount of the keeper's, there from the making to the removal."""
        return MountedRoot(self._keeper.pid, str(self._made.root))

    def files(self, path: str) -> dict[str, bytes]:
        """See `engine.container.Container.files`."""
        root, inside, seen = self._place(path)
        found = read_files(self._keeper, str(root), inside)
        return {_joined(seen, name[len(inside.rstrip("/")) :]): data for name, data in found.items()}

    def status(self, path: str) -> FileStatus | None:
        """See `engine.container.Container.status`."""
        root, inside, _ = self._place(path)
        return file_status(self._keeper, str(root), inside)

    def _place(self, path: str) -> tuple[Path, str, str]:
        """Where a path of the container is for the keeper: a directory and a path in it; and the path in full.

        Mounts are the container's own, so the keeper has to look at their sources.
        """
        wanted = os.path.normpath(f"/{path.lstrip('/')}")
        for mount in sorted(self._made.mounts, key=lambda mount: -len(mount.target)):
            target = mount.target.rstrip("/")
            if wanted == target or wanted.startswith(f"{target}/"):
                source = mount.source.resolve()
                if source.is_dir():
                    return source, wanted[len(target) :] or "/", wanted
                return source.parent, f"/{source.name}", wanted
        return self._made.root, wanted, wanted

    def put(self, archive: Iterable[bytes]) -> None:
        """See `engine.container.Container.put`."""
        put_files(self._keeper, str(self._made.root), archive)

    def stop(self, grace: float = 5) -> None:
        """The image's stop signal (SIGTERM), then SIGKILL after `grace` seconds."""
        if self._pid is None or self.wait(0) is not None:
            return
        self._keeper.signal(self._pid, self._made.stop_signal)
        if self.wait(grace) is None:
            self._keeper.signal(self._pid, signal.SIGKILL)
            self.wait(_RUNTIME_SECONDS)

    def remove(self) -> None:
        """Kill it if need be; its files, network and mounts are gone afterwards."""
        if self._removed:
            return
        if self._pid is not None:
            self.peak_memory()
            self._keeper.signal(self._pid, signal.SIGKILL)
            self._keeper.ended(self._pid, _RUNTIME_SECONDS)
        # Also when it was never started: starting may have been interrupted.
        command = self._command("delete", "--force", self.id)
        self._keeper.ended(self._keeper.spawn(command, environment=_surroundings()), _RUNTIME_SECONDS)
        directory = str(self._made.directory)
        self._keeper.call("farewell", name=self.id, argv=None, pid=self._pid)
        self._keeper.call("unmount", path=directory)
        self._keeper.chore("remove", paths=[directory])
        self._removed = True

    def _read(self, path: str) -> bytes:
        return next(iter(read_files(self._keeper, str(self._made.root), path).values()), b"")

    def _command(self, *words: str) -> list[str]:
        return self._runtime.command(self._made.state, self._made.directory / "log", *words)


def _surroundings() -> dict[str, str]:
    """The environment of the runtime: what else stands in ours (LISTEN_FDS, say) would change what it does."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


def _joined(path: str, more: str) -> str:
    return f"{path.rstrip('/')}/{more.strip('/')}" if more.strip("/") else path
