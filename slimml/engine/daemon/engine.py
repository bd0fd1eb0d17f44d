"""Docker or Podman as an engine: images made ready, containers made and surely removed, leftovers swept."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

from slimml.engine.container import Container, EngineFacts, Prepared, RunSpec
from slimml.engine.daemon.calls import ContainerCalls
from slimml.engine.daemon.container import DaemonContainer
from slimml.engine.daemon.held import held_id
from slimml.engine.daemon.process_limits import limits_of_engine
from slimml.engine.daemon.reach import publish_address
from slimml.engine.daemon.request import Circumstances
from slimml.engine.daemon.wording import refused_limits, refused_network
from slimml.engine.leftovers import LABEL, abandoned, alive, this_run
from slimml.oci import documents
from slimml.oci.image import Image
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.places.daemon.api.client import EngineClient
from slimml.oci.places.daemon.api.http import EngineHttp
from slimml.oci.places.daemon.sink import load_image
from slimml.oci.reference import DEFAULT_REGISTRY, Name, Reference, Transport
from slimml.oci.transfer import Access
from slimml.progress import SILENT, Progress

_REPOSITORY = "slimml-verify"
_COUNTER = itertools.count(1)


def open_daemon(address: Address, access: Access) -> DaemonEngine:
    """The engine at an address; raises Unavailable, AccessDenied."""
    http = EngineHttp(address, access.limits)
    version = documents.load_object(http.ask("/version", "version"), "version", access.limits)
    return DaemonEngine(http, version, access)


class DaemonEngine:
    """See `engine.container.Engine`."""

    def __init__(self, http: EngineHttp, version: dict[str, Any], access: Access) -> None:
        self.address = http.address
        self.calls = ContainerCalls(http)
        self.circumstances = Circumstances(publish=publish_address(http.address))
        self._client = EngineClient(http.address, access.limits)
        self._access = access
        self._version = version
        components = [item for item in version.get("Components") or () if isinstance(item, dict)]
        self.name = "podman" if any("Podman" in str(item.get("Name")) for item in components) else "docker"

    @cached_property
    def _info(self) -> dict[str, Any]:
        return self._client.info()

    @cached_property
    def rootless(self) -> bool:
        """Whether it runs without root, its networks in a namespace of their own."""
        if self.name == "podman":
            return self.calls.rootless_podman()
        return any("rootless" in str(option) for option in self._info.get("SecurityOptions") or ())

    def facts(self) -> EngineFacts:
        """What it is; raises Unavailable."""
        info = self._info
        return EngineFacts(
            self.name,
            str(self._version.get("Version", "")),
            str(info.get("Driver", "")),
            self.rootless,
            str(info.get("DefaultRuntime", "")),
        )

    @contextmanager
    def prepare(self, image: Image, progress: Progress = SILENT) -> Iterator[Prepared]:
        """`image` by its ID where the engine holds it, else loaded under a name of ours, which is removed at the end.

        Raises what reading the image raises, Unavailable, and SlimmlError with the engine's words.
        """
        held = held_id(self._client, image)
        if held is not None:
            yield Prepared(image, held)
            return
        name = Name(DEFAULT_REGISTRY, f"{_REPOSITORY}/{this_run()}", str(next(_COUNTER)))
        with surely(lambda: self.calls.remove_image(name.familiar)):
            receipt = load_image(self._client, image, Reference(Transport.DAEMON, name), self._access, progress)
            yield Prepared(image, receipt.digest)

    @contextmanager
    def create(self, prepared: Prepared, spec: RunSpec) -> Iterator[Container]:
        """A container, not started; removed when the context ends. Raises UsageError, SlimmlError."""
        container = DaemonContainer(self, prepared, spec)
        with surely(container.remove):
            container.create()
            yield container

    def sweep(self) -> tuple[str, ...]:
        """Remove containers of runs that are certainly dead, and images under names of theirs; the names."""
        removed = []
        for item in self.calls.ours():
            owner = (item.get("Labels") or {}).get(LABEL, "")
            if not alive(str(owner)):
                name = next(iter(item.get("Names") or ()), str(item.get("Id"))).removeprefix("/")
                self.calls.remove(str(item["Id"]))
                removed.append(name)
        images = abandoned(self.calls.image_names())
        return (*removed, *(name for name in images if self.calls.remove_image(name)))

    @property
    def _here(self) -> bool:
        """Whether the networks of its containers can be entered: it is on this machine, and root's or ours."""
        return self.address.socket_path is not None and (os.geteuid() == 0 or self.rootless)

    def learn(self, said: str) -> bool:
        """Take note of what the engine cannot do, as it says; whether it is worth trying again."""
        known = self.circumstances
        if refused_limits(said) and not known.limits:
            self.circumstances = replace(known, limits=limits_of_engine(self.address))
        elif refused_network(said) and known.network and self._here:
            self.circumstances = replace(known, network=False)
        return self.circumstances != known


@contextmanager
def surely(end: Callable[[], object]) -> Iterator[None]:
    """Call `end` when the context ends, however it ends; a Ctrl-C in the middle of it is raised after it."""
    try:
        yield
    finally:
        try:
            end()
        except KeyboardInterrupt:
            end()
            raise
