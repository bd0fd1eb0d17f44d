"""Where engines are: what the user said, DOCKER_HOST, Docker's context, else the usual sockets."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slimml.errors import InvalidImage, NotFound, UsageError

_SCHEMES = frozenset({"unix", "tcp", "http", "https", "ssh"})
_DOCUMENT_BYTES = 1 << 20


@dataclass(frozen=True)
class Tls:
    """A directory with ca.pem, cert.pem and key.pem, and whether the engine has to prove who it is."""

    directory: str
    verify: bool = True


@dataclass(frozen=True)
class Address:
    """An engine's address; `tls` is None where HTTP is spoken plainly."""

    url: str
    tls: Tls | None = None

    @property
    def socket_path(self) -> str | None:
        """The unix socket, None for an engine that is reached otherwise."""
        return self.url.removeprefix("unix://") if self.url.startswith("unix://") else None

    def __str__(self) -> str:
        return self.url


def addresses(said: str | None) -> list[Address]:
    """The engines to try, in order: only the chosen one where there is one, else the usual sockets that exist.

    Raises UsageError for an address that is none, NotFound for a Docker context that is not there.
    """
    for url in (said, os.environ.get("DOCKER_HOST"), os.environ.get("CONTAINER_HOST")):
        if url:
            return [_parsed(url, _tls_of_environment())]
    context = os.environ.get("DOCKER_CONTEXT") or _current_context()
    if context and context != "default":
        return [_of_context(context)]
    return [Address(f"unix://{path}") for path in usual_sockets() if os.path.exists(path)]


def usual_sockets() -> list[str]:
    """Where Docker, then Podman, listen unless told otherwise; the user's own engines come after the machine's."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    home = str(Path.home())
    docker = ["/var/run/docker.sock", f"{runtime}/docker.sock", f"{home}/.docker/run/docker.sock"]
    podman = [f"{runtime}/podman/podman.sock", "/run/podman/podman.sock"]
    return [path for path in (*docker, *podman) if not path.startswith("None/")]


def _parsed(url: str, tls: Tls | None) -> Address:
    if url.startswith("/"):
        url = f"unix://{url}"
    scheme = urlsplit(url).scheme
    if scheme not in _SCHEMES or not url.removeprefix(f"{scheme}://"):
        raise UsageError(f"{url!r} is no engine's address; use unix:///path, tcp://host:port or ssh://user@host")
    if scheme == "https":
        tls = tls or Tls(str(_directory()))
    return Address(url, tls)


def _tls_of_environment() -> Tls | None:
    if not os.environ.get("DOCKER_TLS_VERIFY"):
        return None
    return Tls(os.environ.get("DOCKER_CERT_PATH") or str(_directory()))


def _directory() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _document(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        found = json.loads(file.read(_DOCUMENT_BYTES))
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _current_context() -> str | None:
    try:
        name = _document(_directory() / "config.json").get("currentContext")
    except (OSError, ValueError):
        return None
    return name if isinstance(name, str) else None


def _of_context(name: str) -> Address:
    """The address a context holds (docker/cli, cli/context/store: directories are named by the name's SHA-256)."""
    contexts, hashed = _directory() / "contexts", hashlib.sha256(name.encode()).hexdigest()
    path = contexts / "meta" / hashed / "meta.json"
    try:
        endpoint: Any = _document(path)["Endpoints"]
        host, lenient = endpoint["docker"]["Host"], endpoint["docker"].get("SkipTLSVerify") is True
    except FileNotFoundError:
        raise NotFound(f"Docker context {name!r} does not exist; see `docker context ls`, or set DOCKER_HOST") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InvalidImage(f"{path} names no Docker endpoint; see `docker context inspect {name}`") from None
    keys = contexts / "tls" / hashed / "docker"
    return _parsed(str(host), Tls(str(keys), not lenient) if keys.is_dir() or lenient else None)
