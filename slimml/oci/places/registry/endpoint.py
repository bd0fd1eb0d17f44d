"""Where a registry's API is: docker.io's own host, https for all, http for this machine or when told."""

from slimml.errors import Unavailable
from slimml.oci.places.registry.answer import Dropped
from slimml.oci.places.registry.connections import Sender
from slimml.oci.places.registry.origin import is_loopback, origin_of
from slimml.oci.reference import DEFAULT_REGISTRY

_HUB_HOST = "registry-1.docker.io"


def find_endpoint(registry: str, send: Sender, *, insecure: bool) -> str:
    """The base URL of `registry`, without a path.

    Any registry is https, and not asked. A registry on this machine is asked by plain HTTP first, since nobody is in
    between, and is https when it wants that (its certificate is then verified like any other). With `insecure`, https
    is tried first, then plain HTTP. The question is a bare GET /v2/: no credential is sent. Raises Unavailable.
    """
    host = _HUB_HOST if registry == DEFAULT_REGISTRY else registry
    local = is_loopback(origin_of(f"https://{host}").host)
    if not local and not insecure:
        return f"https://{host}"
    troubles: list[Dropped] = []
    for scheme in ("http", "https") if local else ("https", "http"):
        try:
            answer = send("GET", f"{scheme}://{host}/v2/", {})
        except Dropped as error:
            if error.lasting and scheme == "http":
                raise
            troubles.append(error)
            continue
        answer.discard()
        # What a TLS server says to plain HTTP, as far as it says anything.
        if not (scheme == "http" and answer.status == 400):
            return f"{scheme}://{host}"
    raise troubles[-1] if troubles else Unavailable(f"{registry} answers 400 to both http and https; is it a registry?")
