"""The calls of an engine's API about containers (Docker API 1.41; Podman answers them in the same form)."""

import base64
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from slimml.engine.leftovers import LABEL
from slimml.errors import NotFound, SlimmlError, Unavailable
from slimml.oci import documents
from slimml.oci.places.daemon.api.client import quoted
from slimml.oci.places.daemon.api.http import EngineHttp, Hijacked, Reply

_STOP_SECONDS = 60
_TRANSFER_SECONDS = 300
_NOT_FOUND, _CONFLICT = 404, 409
_PATH_BYTES = 4096
_OURS = urlencode({"all": "1", "filters": json.dumps({"label": [LABEL]})})
_LIBPOD = "/v4.0.0/libpod"


class NotStarted(Exception):
    """The engine refuses to start a container; `said` is what it says."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@dataclass(frozen=True)
class ContainerCalls:
    """What is asked of an engine. Each raises Unavailable, AccessDenied, SlimmlError; containers go by name or ID."""

    http: EngineHttp

    def create(self, name: str, body: Mapping[str, Any]) -> str:
        """A container; its ID."""
        return self._created(f"/containers/create?name={name}", body)

    def create_by_podman(self, body: Mapping[str, Any]) -> str:
        """A container, described in Podman's own form; its ID. Raises NotStarted for a device that is not there."""
        return self._created(f"{_LIBPOD}/containers/create", body)

    def _created(self, path: str, body: Mapping[str, Any]) -> str:
        with self.http.call("POST", path, body) as reply:
            said = reply.refusal()
            if said is not None:
                raise NotStarted(said)
            return documents.text(self._object(reply, "a new container"), "Id", "a new container")

    def attach(self, container: str) -> Hijacked:
        """Its output from now on. Podman prepares the container for it, and may raise NotStarted."""
        try:
            return self.http.hijack(f"/containers/{container}/attach?stream=1&stdout=1&stderr=1", {}, container)
        except Unavailable:
            raise
        except SlimmlError as error:
            raise NotStarted(str(error).partition(f" for {container}: ")[2] or str(error)) from None

    def start(self, container: str) -> None:
        """Begin its main process; raises NotStarted."""
        with self.http.call("POST", f"/containers/{container}/start", timeout=_TRANSFER_SECONDS) as reply:
            said = reply.refusal()
        if said is not None:
            raise NotStarted(said)

    def inspect(self, container: str) -> dict[str, Any]:
        """All that the engine knows of it; raises NotFound."""
        raw = self.http.ask(f"/containers/{container}/json", f"container {container}")
        return documents.load_object(raw, f"container {container}", self.http.limits)

    def stats(self, container: str) -> dict[str, Any]:
        """One sample of its use of resources."""
        raw = self.http.ask(f"/containers/{container}/stats?stream=false&one-shot=true", f"container {container}")
        return documents.load_object(raw, f"container {container}", self.http.limits)

    def stop(self, container: str, grace: float) -> None:
        """Its stop signal, then SIGKILL after `grace` seconds (whole ones, rounded up)."""
        path = f"/containers/{container}/stop?t={math.ceil(grace)}"
        with self.http.call("POST", path, timeout=grace + _STOP_SECONDS).checked(f"stopping {container}"):
            pass

    def remove(self, container: str) -> None:
        """Kill and remove it with its anonymous volumes; nothing happens when it is not there."""
        path = f"/containers/{container}?force=1&v=1"
        with self.http.call("DELETE", path, timeout=_STOP_SECONDS) as reply:
            said = reply.refusal() or ""
        if reply.status not in (_NOT_FOUND, _CONFLICT) and said:
            raise SlimmlError(f"container {container} at {self.http.address} is not removed: {said}")

    def execute(self, container: str, body: Mapping[str, Any]) -> tuple[str, Hijacked]:
        """Begin a command inside; its ID and its stream."""
        what = f"a command in container {container}"
        with self.http.call("POST", f"/containers/{container}/exec", body).checked(what) as reply:
            made = documents.text(self._object(reply, what), "Id", what)
        return made, self.http.hijack(f"/exec/{made}/start", {"Detach": False, "Tty": False}, what)

    def executed(self, made: str) -> dict[str, Any]:
        """How a command inside goes."""
        return documents.load_object(self.http.ask(f"/exec/{made}/json", "a command"), "a command", self.http.limits)

    def archive(self, container: str, path: str) -> tuple[Reply, dict[str, Any]] | None:
        """A tar of what is at `path`, and what the engine says of it; None where there is nothing."""
        asked = f"/containers/{container}/archive?path={quote(path, safe='')}"
        reply = self.http.call("GET", asked, timeout=_TRANSFER_SECONDS)
        if reply.status == _NOT_FOUND:
            with reply:
                said = reply.refusal() or ""
            if "no such container" in said.lower():
                raise NotFound(f"container {container} is not at {self.http.address}")
            return None
        reply.checked(f"{path} of container {container}")
        stat = base64.b64decode(reply.header("X-Docker-Container-Path-Stat"))
        return reply, documents.load_object(stat, path, self.http.limits)

    def unpack(self, container: str, tar: Iterable[bytes]) -> None:
        """Unpack a tar at the root."""
        reply, whole = self.http.upload("PUT", f"/containers/{container}/archive?path=%2F", tar, _TRANSFER_SECONDS)
        with reply.checked(f"files for container {container}"):
            if not whole:
                raise Unavailable(f"{self.http.address} stopped taking files for container {container}")

    @contextmanager
    def mounted(self, container: str) -> Iterator[str]:
        """The directory of the engine's machine where Podman mounts its root."""
        path, what = f"{_LIBPOD}/containers/{container}", f"the root of container {container}"
        with self.http.call("POST", f"{path}/mount").checked(what) as reply:
            directory = os.fsdecode(reply.read_up_to(_PATH_BYTES)).strip().strip('"')
        try:
            yield directory
        finally:
            with self.http.call("POST", f"{path}/unmount").checked(what):
                pass

    def rootless_podman(self) -> bool:
        """Whether this Podman runs without root, which Docker's form of its answers does not tell."""
        told = documents.load_object(self.http.ask(f"{_LIBPOD}/info", "info"), "info", self.http.limits)
        security = documents.mapping(documents.mapping(told, "host", "info"), "security", "info")
        return security.get("rootless") is True

    def ours(self) -> list[dict[str, Any]]:
        """All containers with our label."""
        raw = self.http.ask(f"/containers/json?{_OURS}", "containers")
        return [item for item in documents.load_list(raw, "containers", self.http.limits) if isinstance(item, dict)]

    def image_names(self) -> list[str]:
        """The names of all images."""
        raw = self.http.ask("/images/json", "images")
        listed = documents.load_list(raw, "images", self.http.limits)
        return [str(name) for item in listed if isinstance(item, dict) for name in item.get("RepoTags") or ()]

    def remove_image(self, name: str) -> bool:
        """Remove a name, and the image when it has no other; whether it was there."""
        with self.http.call("DELETE", f"/images/{quoted(name)}", timeout=_TRANSFER_SECONDS) as reply:
            if reply.status == _NOT_FOUND:
                return False
            with reply.checked(f"removing {name}"):
                return True

    def _object(self, reply: Reply, what: str) -> dict[str, Any]:
        return documents.load_object(reply.read_up_to(self.http.limits.json_bytes + 1), what, self.http.limits)
