"""Pulls by the engine itself: what `docker pull` and `podman pull` ask of their engine."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from slimml.errors import NotFound, SlimmlError
from slimml.oci.places.daemon.api.ask import inspect, one_line
from slimml.oci.places.daemon.api.client import EngineClient
from slimml.oci.places.daemon.api.http import EngineHttp
from slimml.oci.places.registry.credentials import find_credential
from slimml.oci.places.registry.origin import is_loopback

if TYPE_CHECKING:
    from slimml.engine.container import EngineFacts
    from slimml.engine.daemon.engine import DaemonEngine
    from slimml.oci.digest import Digest
    from slimml.oci.reference import Name

_PULL_SECONDS = 1800
"""how long an engine may say nothing"""


class DaemonPuller:
    """Pulls into an engine, from plain HTTP where the registry is on this machine, or with `insecure` anywhere.

    `local` says that the engine is on this machine and reaches what listens here. Docker takes its own word for what
    is insecure: 127.0.0.0/8, and what its daemon.json lists.
    """

    def __init__(self, engine: DaemonEngine, *, insecure: bool = False) -> None:
        self.name = engine.name
        self.local = engine.address.socket_path is not None
        self._engine = engine
        self._insecure = insecure
        self._http: EngineHttp = engine.calls.http
        self._client = EngineClient(engine.address, self._http.limits)

    def facts(self) -> EngineFacts:
        """What the engine is."""
        return self._engine.facts()

    def pull(self, name: Name) -> None:
        """Fetch an image and unpack it; returns when it can be run. Raises SlimmlError with the engine's words."""
        headers = _credentials(name)
        what = f"pulling {name.familiar}"
        with self._http.call("POST", self._path(name), headers=headers, timeout=_PULL_SECONDS).checked(what) as reply:
            for said in reply.objects():
                if isinstance(said, dict) and said.get("error"):
                    why = one_line(str(said["error"]))
                    raise SlimmlError(f"{self._engine.address} does not pull {name.familiar}: {why}")

    def _path(self, name: Name) -> str:
        if self.name != "podman":
            bare = name.familiar.removesuffix(f"@{name.selector}").removesuffix(f":{name.selector}")
            return "/images/create?" + urlencode({"fromImage": bare, "tag": name.selector})
        host = name.registry.rpartition(":")[0] or name.registry
        lenient = self._insecure or is_loopback(host)
        asked = {"reference": f"docker://{name}", "policy": "always", "tlsVerify": str(not lenient).lower()}
        return "/v4.0.0/libpod/images/pull?" + urlencode(asked)

    def diff_ids(self, name: Name) -> tuple[Digest, ...]:
        """The layers of an image that the engine has; raises NotFound."""
        return inspect(self._client, name.familiar).diff_ids

    def has(self, name: Name) -> bool:
        """Whether the engine has such an image."""
        try:
            self._client.inspect(name.familiar)
        except NotFound:
            return False
        return True

    def remove(self, name: Name) -> None:
        """Remove the name, and the image when it has no other; nothing happens when it is not there."""
        self._engine.calls.remove_image(name.familiar)

    def sweep(self) -> tuple[str, ...]:
        """Remove what killed runs left in the engine; the names."""
        return self._engine.sweep()


def _credentials(name: Name) -> dict[str, str]:
    """The header by which an engine is told who we are at the registry (Docker API, "Authentication")."""
    found = find_credential(name.registry, name.repository).credential
    if found is None:
        return {}
    told = {
        "username": found.username,
        "password": found.password,
        "identitytoken": found.identity_token,
        "registrytoken": found.registry_token,
        "serveraddress": name.registry,
    }
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(told).encode()).decode()}
