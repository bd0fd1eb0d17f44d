"""Where a URL leads: its origin (RFC 6454), and which steps from one origin to another give nothing away."""

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from slimml.errors import Unavailable
from slimml.oci.places.registry.wording import shown

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host (lower case, without brackets) and port."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """`host:port`, the port always written."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def origin_of(url: str) -> Origin:
    """The origin of an http or https URL; raises Unavailable for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unavailable(f"{shown(url)} is not a URL; the registry is misconfigured") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Unavailable(f"{shown(url)} is not an http or https URL; slimml follows no other")
    return Origin(parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme])


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def keeps_secrets(registry: Origin, realm: Origin) -> bool:
    """Whether credentials meant for `registry` may be sent to its token server at `realm`.

    TLS always may; plain HTTP only where the registry itself speaks it, on the same host or on this machine.
    """
    if realm.scheme == "https":
        return True
    return registry.scheme == "http" and (realm.host == registry.host or is_loopback(realm.host))
