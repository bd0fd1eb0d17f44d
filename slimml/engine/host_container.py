"""Programs on this machine as a container has them: started, asked, and ended with everything they started."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from slimml.engine.bare.control_group import ControlGroup, remove_group
from slimml.engine.container import Exited, FileStatus, Output
from slimml.engine.keeper.output import close_all, open_streams, said, shell_code
from slimml.engine.keeper.run import file_status, put_files, read_files, run
from slimml.engine.mounted_root import MountedRoot
from slimml.errors import SlimmlError, Unsupported

if TYPE_CHECKING:
    import socket

    from slimml.engine.keeper.ask import Keeper

_NOTHING: Mapping[str, str] = MappingProxyType({})
_NOT_RUN = {errno.ENOENT: 127, errno.ENOTDIR: 127}


@dataclass(frozen=True)
class Running:
    """What every process of a container gets. `root` is what it sees as /, None for this machine's.

    `words` are further words of `keeper.spawn`. `group` is None where nobody counts.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    root: Path | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    group: ControlGroup | None = None


class HostContainer:
    """See `engine.container.Container`. Its keeper is for it alone, and goes with it."""

    def __init__(self, name: str, keeper: Keeper, running: Running) -> None:
        self.id = name
        self._keeper, self._running = keeper, running
        self._pid: int | None = None
        self._peak: int | None = None
        self._words = dict(running.words) | ({"root": str(running.root)} if running.root else {})

    def start(self) -> None:
        """Begin the main process; raises SlimmlError when it cannot (no such program)."""
        running = self._running
        streams = open_streams(self._keeper, self._keeper.ground)
        try:
            self._pid = self._keeper.spawn(
                running.argv,
                streams,
                environment=running.environment,
                directory=running.directory,
                **self._words,
            )
        except OSError as error:
            raise SlimmlError(f"{running.argv[0]!r} could not be started in {running.directory}: {error}") from None
        finally:
            close_all(streams)

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A TCP connection to `port` on its loopback; raises OSError."""
        connection = self._keeper.socket(None)
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
        """Run a command beside the main process; code 126/127 where it cannot run. Raises TimeoutError."""
        if user is not None:
            raise Unsupported(f"a command as user {user!r}: programs on this machine run as who started slimml")
        running = self._running
        try:
            ended = run(
                self._keeper,
                argv,
                stdin=stdin,
                timeout=timeout,
                environment={**running.environment, **environment},
                directory=os.path.join(running.directory, directory or ""),
                **self._words,
            )
        except TimeoutError:
            raise
        except OSError as error:
            return Output(_NOT_RUN.get(error.errno or 0, 126), b"", f"{argv[0]}: {error.strerror}\n".encode())
        return Output(shell_code(ended.code), ended.stdout, ended.stderr)

    def logs(self) -> Output:
        """What the main process has said so far; raises Refused when that was more than OUTPUT_BYTES."""
        return said(self._keeper.ground, self.id)

    def wait(self, timeout: float) -> Exited | None:
        """Wait for the main process to end, at most `timeout` seconds; None while it runs."""
        code = None if self._pid is None else self._keeper.ended(self._pid, timeout)
        if code is None:
            return None
        group = self._running.group
        return Exited(shell_code(code), code == -signal.SIGKILL and group is not None and group.ran_out())

    def pid(self) -> int | None:
        """The main process in this machine's process table; None when it does not run."""
        return None if self._pid is None or self.wait(0) is not None else self._pid

    def peak_memory(self) -> int | None:
        """The most memory in bytes that its control group held; None where nobody counts."""
        if self._running.group is not None:
            self._peak = self._running.group.peak_memory() or self._peak
        return self._peak

    def mounted_root(self) -> MountedRoot | None:
        """See `engine.mounted_root.HasRoot`; a virtual environment has none."""
        root = self._running.root
        return None if root is None else MountedRoot(self._keeper.pid, str(root))

    def files(self, path: str) -> dict[str, bytes]:
        """See `engine.container.Container.files`; a relative path is one of the directory that it runs in."""
        wanted = os.path.normpath(os.path.join(self._running.directory, path))
        return read_files(self._keeper, str(self._running.root or "/"), wanted)

    def status(self, path: str) -> FileStatus | None:
        """See `engine.container.Container.status`."""
        wanted = os.path.normpath(os.path.join(self._running.directory, path))
        return file_status(self._keeper, str(self._running.root or "/"), wanted)

    def put(self, archive: Iterable[bytes]) -> None:
        """See `engine.container.Container.put`; only for a root, which has a layer to put them in."""
        if self._running.root is None:
            raise Unsupported("files cannot be put into a virtual environment that is used as it is")
        put_files(self._keeper, str(self._running.root), archive)

    def stop(self, grace: float = 5) -> None:
        """SIGTERM to its process group, then SIGKILL after `grace` seconds."""
        if self._pid is None or self.wait(0) is not None:
            return
        self._keeper.signal(self._pid, signal.SIGTERM, group=True)
        if self.wait(grace) is None:
            self._keeper.signal(self._pid, signal.SIGKILL, group=True)
            self.wait(grace)

    def remove(self) -> None:
        """Kill it and all that it started, whatever session that went into."""
        self.peak_memory()
        self._keeper.close()
        if self._running.group is not None:
            remove_group(self._running.group.directory.name)
