"""Whether an engine holds an image already, as the very same image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slimml.errors import NotFound, UsageError
from slimml.oci import documents
from slimml.oci.places.daemon.api.ask import inspected
from slimml.oci.places.daemon.source import image_name
from slimml.oci.reference import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slimml.oci.image import Image
    from slimml.oci.places.daemon.api.ask import Engine

_RUNS_BY = ("Cmd", "Entrypoint", "Env", "User", "WorkingDir", "Volumes", "StopSignal")


def held_id(engine: Engine, image: Image) -> str | None:
    """The engine's ID of `image`, None when it does not hold it. Raises Unavailable, AccessDenied.

    By the digest of its config, which is the ID in the stores of Docker and Podman; with containerd's store, where
    the ID is a manifest's, by its name, layers and the settings that it runs with.
    """
    for name in _names(image):
        try:
            answer = engine.inspect(name)
        except NotFound:
            continue
        found = inspected(answer, f"{name} at {engine.address}")
        same_layers = found.diff_ids == image.config.diff_ids
        if same_layers and (found.id == image.config.digest or _runs_alike(answer, image)):
            return found.id
    return None


def _names(image: Image) -> Iterator[str]:
    yield image.config.digest
    yield image.manifest.digest
    if image.reference.transport in (Transport.DAEMON, Transport.BARE):
        try:
            yield image_name(image.reference)
        except UsageError:
            return


def _runs_alike(answer: Mapping[str, Any], image: Image) -> bool:
    theirs, ours = documents.mapping(answer, "Config", "an image"), image.config.runtime
    return all((theirs.get(key) or None) == (ours.get(key) or None) for key in _RUNS_BY)
