"""What slimml asks of a container engine: six calls of the Docker API, which Podman answers as well.

The standard library's HTTP client asks them (`client`, `connections`), not the Docker SDK. Importing the SDK takes
135 ms, several times as long as the questions themselves; it goes through ssh only with paramiko installed; and
REQUESTS_CA_BUNDLE, set on many company machines, replaces the authority that it is told to trust.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from slimml.errors import SlimmlError
from slimml.oci import documents
from slimml.oci.digest import Digest, parse_digest
from slimml.oci.image import Stream
from slimml.oci.places.daemon.api.address import Address

QUESTION_SECONDS = 60
"""how long an engine may take to answer a question"""
TRANSFER_SECONDS = 1800
"""how long nothing may arrive of an archive; Docker up to 28 copies all layers before the first byte"""

_ERROR_CHARACTERS = 300


class Engine(Protocol):
    """An engine. Every call raises Unavailable when it cannot be reached and AccessDenied when it refuses us."""

    @property
    def address(self) -> Address:
        """Where it is."""

    def inspect(self, name: str) -> dict[str, Any]:
        """`GET /images/{name}/json`; raises NotFound."""

    def ping(self) -> None:
        """`GET /_ping`: whether it answers."""

    def images(self) -> list[str]:
        """`GET /images/json`: the IDs of its images."""

    def info(self) -> dict[str, Any]:
        """`GET /info`."""

    def save(self, name: str) -> Stream:
        """`GET /images/{name}/get`: the image as a tar archive; raises NotFound."""

    def load(self, archive: Iterable[bytes]) -> None:
        """`POST /images/load`; raises SlimmlError with the engine's words when it does not take the archive."""


@dataclass(frozen=True)
class Inspected:
    """What an engine says of an image. `id` is the config's digest, or with containerd's store the manifest's.

    `root` is the directory of the engine's files, as far as the image's own paths tell it.
    """

    id: Digest
    diff_ids: tuple[Digest, ...]
    driver: str
    root: str | None


def inspect(engine: Engine, name: str) -> Inspected:
    """Ask for an image; raises NotFound, Unavailable, AccessDenied, InvalidImage."""
    return inspected(engine.inspect(name), f"{name} at {engine.address}")


def inspected(answer: Mapping[str, Any], what: str) -> Inspected:
    """What an engine's answer says of an image; `what` names it in errors. Raises InvalidImage."""
    said = documents.text(answer, "Id", what)
    root = documents.mapping(answer, "RootFS", what)
    graph = documents.mapping(answer, "GraphDriver", what)
    driver = documents.text(graph, "Name", what, default="")
    upper = documents.text(documents.mapping(graph, "Data", what), "UpperDir", what, default="")
    return Inspected(
        id=parse_digest(said if ":" in said else f"sha256:{said}"),
        diff_ids=tuple(parse_digest(item) for item in documents.sequence(root, "Layers", what)),
        driver=driver,
        root=upper.rpartition(f"/{driver}/")[0] or None,
    )


def ids_of(images: Iterable[object]) -> list[str]:
    """The IDs in an answer to `GET /images/json`."""
    return [str(item["Id"]) for item in images if isinstance(item, dict) and "Id" in item]


def check_load(said: object, address: Address) -> None:
    """Look at one JSON object of what the engine says of a load; raises SlimmlError for a failure it tells of."""
    if isinstance(said, dict) and ("error" in said or "message" in said):
        raise SlimmlError(f"{address} did not load the image: {one_line(str(said.get('error') or said['message']))}")


def one_line(text: str) -> str:
    """An engine's words, fit for a message."""
    return " ".join(text.split())[:_ERROR_CHARACTERS]
