"""An engine on another host, over TCP, TLS or ssh, spoken to by the Docker SDK."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from slimml.errors import AccessDenied, NotFound, SlimmlError, Unavailable
from slimml.oci.image import Stream
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.places.daemon.api.ask import TRANSFER_SECONDS, check_load, ids_of, one_line
from slimml.oci.places.daemon.pieces import PieceStream

_CHUNK = 1 << 20


class RemoteEngine:
    """See `ask.Engine`. TLS keys come from the Docker context, or DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._opened: Any = None

    def inspect(self, name: str) -> dict[str, Any]:
        """What the engine says of an image."""
        with self._told(name):
            return dict(self._client().inspect_image(name))

    def images(self) -> list[str]:
        """The IDs of its images."""
        with self._told("images"):
            return ids_of(self._client().images())

    def info(self) -> dict[str, Any]:
        """What the engine says of itself."""
        with self._told("info"):
            return dict(self._client().info())

    def save(self, name: str) -> Stream:
        """The image as a tar archive."""
        with self._told(name):
            return PieceStream(self._pieces(self._client().get_image(name, _CHUNK), name))

    def load(self, archive: Iterable[bytes]) -> None:
        """Send an archive. When `archive` raises, the engine sees a request cut off and loads nothing."""
        with self._told("the archive"):
            for said in self._client().load_image(iter(archive), quiet=True):
                check_load(said, self.address)

    def _pieces(self, pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
        with self._told(name):
            yield from pieces

    def _client(self) -> Any:
        if self._opened is None:
            import docker
            from docker.utils import kwargs_from_env

            settings: dict[str, Any] = {**kwargs_from_env({**os.environ, "DOCKER_HOST": self.address.url})}
            if self.address.context is not None:
                from docker.context import ContextAPI

                found = ContextAPI.get_context(self.address.context)
                settings["tls"] = found.TLSConfig if found is not None else None
            ssh = self.address.url.startswith("ssh://")
            self._opened = docker.APIClient(
                version="auto", timeout=TRANSFER_SECONDS, use_ssh_client=ssh, **{k: v for k, v in settings.items() if v}
            )
        return self._opened

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Make the SDK's errors ours."""
        from docker import errors
        from requests.exceptions import RequestException

        try:
            yield
        except errors.NotFound as error:
            raise NotFound(f"{what} is not at {self.address}: {one_line(str(error.explanation))}") from None
        except errors.APIError as error:
            said = one_line(str(error.explanation or error))
            if error.status_code in (401, 403):
                raise AccessDenied(f"{self.address} refuses {what}: {said}") from None
            raise SlimmlError(f"{self.address} fails with {error.status_code} for {what}: {said}") from None
        except (errors.DockerException, RequestException, OSError) as error:
            raise Unavailable(
                f"no engine answers at {self.address} ({one_line(str(error))}); start it, or set DOCKER_HOST"
            ) from None
