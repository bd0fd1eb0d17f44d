"""What every engine offers: an image made ready to run, containers of it, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    import socket

    from slimml.oci.image import Image

_NOTHING: Mapping[str, str] = MappingProxyType({})
OUTPUT_BYTES = 64 << 20
"""what is kept of a stream of output, and of the files copied out of a container; more ends with Refused"""


@dataclass(frozen=True)
class Resources:
    """Limits of a container: `memory` in bytes, `cpus` in processors, `gpus` as Docker's --gpus takes them
    (`all`, `2`, `device=0,1`; CDI names such as `nvidia.com/gpu=0` too). None is no limit, no GPU.
    """

    memory: int | None = None
    cpus: float | None = None
    gpus: str | None = None


@dataclass(frozen=True)
class Mount:
    """A directory or file of this machine inside a container, `target` absolute."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True)
class RunSpec:
    """How a container differs from what its image says. None keeps the image's own.

    `argv` stands for CMD, `entrypoint` for ENTRYPOINT (then CMD is not used unless `argv` is given). `ports` are the
    TCP ports that will be connected to. `network` False leaves loopback only.
    """

    argv: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    directory: str | None = None
    mounts: tuple[Mount, ...] = ()
    ports: tuple[int, ...] = ()
    network: bool = True
    resources: Resources = field(default_factory=Resources)


@dataclass(frozen=True)
class Exited:
    """How the main process ended. `code` is 128 + N for signal N."""

    code: int
    out_of_memory: bool


@dataclass(frozen=True)
class Output:
    """What a process said, as bytes; `code` is its exit code."""

    code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class FileStatus:
    """What there is at a path: `mode` as stat(2) gives it, kind and permissions, `uid`, `gid`, `size` in bytes."""

    mode: int
    uid: int
    gid: int
    size: int


@dataclass(frozen=True)
class EngineFacts:
    """What is recorded beside every result of an engine."""

    name: str
    version: str
    storage_driver: str
    rootless: bool
    runtime: str


class Container(Protocol):
    """One container, created and not yet started. Removing it twice is no error."""

    id: str

    def start(self) -> None:
        """Begin the main process; raises SlimmlError when it cannot (no such program)."""

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A TCP connection to `port` inside; raises OSError (ConnectionRefusedError while nobody listens)."""

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
        """Run a command in the running container; code 126/127 where it cannot run. Raises TimeoutError."""

    def logs(self) -> Output:
        """What the main process has said so far (`code` is 0)."""

    def wait(self, timeout: float) -> Exited | None:
        """Wait for the main process to end, at most `timeout` seconds; None while it runs."""

    def pid(self) -> int | None:
        """The main process in this machine's process table, None where it is not here (a remote engine, a VM)."""

    def peak_memory(self) -> int | None:
        """The most memory in bytes that the container's control group held; None where nobody counts."""

    def files(self, path: str) -> dict[str, bytes]:
        """The file at `path`, or the regular files below that directory, by absolute path; also before the start and
        after the end. Symlinks on the way to `path`, its last part too, are followed within the container's root.

        Empty where there is nothing; raises Refused past OUTPUT_BYTES.
        """

    def status(self, path: str) -> FileStatus | None:
        """What is at `path`, symlinks followed within the container's root; None where nothing is (a link that leads
        nowhere, too). Before the start and after the end as well.
        """

    def put(self, archive: Iterable[bytes]) -> None:
        """Unpack a tar (in pieces, not compressed) at the root of the container, which is created and not yet started.

        Owners, modes and links are those of the tar; symlinks above an entry are followed within the root. What is
        there of the same name is replaced, a directory by a directory keeps what it holds. Raises SlimmlError.
        """

    def stop(self, grace: float = 5) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds. Nothing happens when it has ended."""

    def remove(self) -> None:
        """Kill it if need be; its files, network and mounts are gone afterwards."""


@dataclass(frozen=True)
class Prepared:
    """An image that an engine can run. `handle` is the engine's own name for it (an image ID, a directory)."""

    image: Image
    handle: str


class Engine(Protocol):
    """A way of running containers. `name` is docker, podman, runc, crun, or host."""

    name: str

    def facts(self) -> EngineFacts:
        """What it is."""

    def prepare(self, image: Image, progress: Progress = SILENT) -> AbstractContextManager[Prepared]:
        """Make `image` runnable: as it is where the engine holds it, loaded under a name of our own or unpacked
        otherwise; what was made is gone when the context ends.
        """

    def create(self, prepared: Prepared, spec: RunSpec) -> AbstractContextManager[Container]:
        """A container, removed when the context ends, however it ends."""

    def sweep(self) -> tuple[str, ...]:
        """Remove what runs that were killed left behind; the names of what was removed. Never touches living runs."""
