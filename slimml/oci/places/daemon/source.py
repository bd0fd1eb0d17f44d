"""Open an image of an engine: out of its own files where that may be and can be done, else through its API."""

from slimml.errors import AccessDenied, NotFound, SlimmlError, Unavailable, UsageError
from slimml.oci.image import Image
from slimml.oci.places.daemon.api.address import addresses, usual_sockets
from slimml.oci.places.daemon.api.ask import Engine, inspect
from slimml.oci.places.daemon.api.client import EngineClient
from slimml.oci.places.daemon.saved.layers import saved_image
from slimml.oci.places.daemon.store.open import store_config, store_image
from slimml.oci.reference import Reference
from slimml.oci.transfer import Access


def open_image(reference: Reference, access: Access | None = None) -> Image:
    """The image that `reference` (DAEMON or BARE) names at the first engine that has it, Docker before Podman.

    Raises NotFound, AccessDenied, Unavailable, InvalidImage, LimitExceeded, Unsupported, UsageError.
    """
    access = access or Access()
    name = image_name(reference)
    failures: list[SlimmlError] = []
    for engine in _engines(access):
        try:
            found = inspect(engine, name)
        except (NotFound, AccessDenied, Unavailable) as error:
            failures.append(error)
            continue
        if access.read_store:
            image = store_image(engine, found, reference, access)
            if image is not None:
                return image
        config = store_config(engine, found, access) if access.read_store else None
        return saved_image(engine, found, reference, access, config)
    raise first_failure(failures)


def open_engine(access: Access) -> Engine:
    """The first engine that answers; raises Unavailable, AccessDenied."""
    failures: list[SlimmlError] = []
    for engine in _engines(access):
        try:
            engine.ping()
        except (AccessDenied, Unavailable) as error:
            failures.append(error)
            continue
        return engine
    raise first_failure(failures)


def image_name(reference: Reference) -> str:
    """What an engine is asked for; raises UsageError for a reference that names no image of an engine."""
    if reference.image_id is not None:
        return reference.image_id
    if reference.name is None:
        raise UsageError(f"{reference} names no image of an engine; use docker-daemon:NAME[:TAG]")
    return reference.name.familiar


def first_failure(failures: list[SlimmlError]) -> SlimmlError:
    """The one error that tells most: an engine that lacks the image, else one that refuses us, else none answers."""
    for kind in (NotFound, AccessDenied, Unavailable):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    looked = ", ".join(usual_sockets())
    return Unavailable(
        f"no container engine is running (looked at {looked}); start Docker or Podman, or set DOCKER_HOST"
    )


def _engines(access: Access) -> list[Engine]:
    return [EngineClient(address, access.limits) for address in addresses(access.engine)]
