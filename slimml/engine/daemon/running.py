"""A container of Docker or Podman that somebody else runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.engine.mounted_root import MountedRoot
from slimml.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from slimml.engine.daemon.engine import DaemonEngine


@dataclass(frozen=True)
class RunningContainer:
    """`image` is the digest of its image's configuration, `root` what its main process sees as /."""

    id: str
    image: str
    root: MountedRoot


def running_container(engine: DaemonEngine, name: str) -> RunningContainer:
    """The container `name` (or ID); raises NotFound where none runs, Unavailable for an engine elsewhere."""
    inspected = engine.calls.inspect(name)
    state = inspected.get("State") or {}
    pid = state.get("Pid")
    if not state.get("Running") or not isinstance(pid, int) or pid <= 0:
        raise NotFound(f"container {name} does not run; start it, or record the image without --attach")
    if engine.address.socket_path is None:
        raise Unavailable(f"container {name} runs on {engine.address}; record it on that machine")
    image = str(inspected.get("Image", ""))
    digest = image if image.startswith("sha256:") else f"sha256:{image}"
    return RunningContainer(str(inspected.get("Id", name)), digest, MountedRoot(pid, "/"))
