"""The calls of an engine's API about images."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from slimml.errors import Unavailable
from slimml.oci import documents
from slimml.oci.image import Stream
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.places.daemon.api.ask import TRANSFER_SECONDS, check_load, ids_of
from slimml.oci.places.daemon.api.http import EngineHttp


class EngineClient:
    """An engine at an address. See `ask.Engine`."""

    def __init__(self, address: Address, limits: Limits = DEFAULT_LIMITS) -> None:
        self.address = address
        self._limits = limits
        self._http = EngineHttp(address, limits)

    def inspect(self, name: str) -> dict[str, Any]:
        """What the engine says of an image."""
        return documents.load_object(self._http.ask(f"/images/{quoted(name)}/json", name), name, self._limits)

    def ping(self) -> None:
        """Whether it answers."""
        self._http.ask("/_ping", "ping")

    def images(self) -> list[str]:
        """The IDs of its images."""
        return ids_of(documents.load_list(self._http.ask("/images/json", "images"), "images", self._limits))

    def info(self) -> dict[str, Any]:
        """What the engine says of itself."""
        return documents.load_object(self._http.ask("/info", "info"), "info", self._limits)

    def save(self, name: str) -> Stream:
        """The image as a tar archive."""
        return self._http.call("GET", f"/images/{quoted(name)}/get", timeout=TRANSFER_SECONDS).checked(name)

    def load(self, archive: Iterable[bytes]) -> None:
        """Send an archive. When `archive` raises, the engine sees a request cut off and loads nothing."""
        reply, whole = self._http.upload("POST", "/images/load?quiet=1", archive, TRANSFER_SECONDS)
        with reply.checked("the archive"):
            for said in reply.objects():
                check_load(said, self.address)
        if not whole:
            raise Unavailable(f"{self.address} stopped taking the archive")


def quoted(name: str) -> str:
    """An image's name as a part of a path."""
    return quote(name, safe="/:@")
