"""Requests to one repository of a registry: endpoint, authorization, redirects and repetition put together."""

from collections.abc import Mapping
from functools import partial
from threading import Lock
from urllib.parse import urljoin

from slimml.errors import SlimmlError
from slimml.oci.places.registry.answer import Answer, Dropped, refusal
from slimml.oci.places.registry.auth import Authorizer, Scopes, pull_scope
from slimml.oci.places.registry.connections import Body, Connections
from slimml.oci.places.registry.credentials import find_credential
from slimml.oci.places.registry.endpoint import find_endpoint
from slimml.oci.places.registry.origin import origin_of
from slimml.oci.places.registry.patience import PATIENCE, TRANSIENT, Patience
from slimml.oci.reference import Name
from slimml.oci.transfer import Access


class Client:
    """Speaks to the repository of `name` (distribution-spec 1.1); safe to share between threads.

    Authorization goes to the registry's own origin only. `scopes` of a request default to pulling the repository.
    """

    def __init__(self, name: Name, access: Access, patience: Patience = PATIENCE) -> None:
        self.registry = name.registry
        self.repository = name.repository
        self.access = access
        self.patience = patience
        self._connections = Connections(access.insecure, patience)
        lookup = partial(find_credential, name.registry, name.repository)
        self._authorizer = Authorizer(name.registry, self._connections.send, lookup, patience, access.insecure)
        self._base = ""
        self._lock = Lock()

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}"

    def url(self, path: str) -> str:
        """The URL of `path` below the repository; raises Unavailable where finding the registry's API failed."""
        return urljoin(self._endpoint(), f"/v2/{self.repository}/{path}")

    def once(
        self,
        method: str,
        url: str,
        *,
        scopes: Scopes = (),
        headers: Mapping[str, str] | None = None,
        body: Body = None,
    ) -> Answer:
        """One request, repeated only with the authorization that the registry asks for, if `body` can be repeated.

        Raises Dropped when no answer comes, AccessDenied and Unavailable where getting a token fails.
        """
        scopes = scopes or (pull_scope(self.repository),)
        own = origin_of(url) == origin_of(self._endpoint())
        sent = self._authorizer.header(scopes) if own else None
        answer = self._connections.send(method, url, headers or {}, body=body, authorization=sent)
        if answer.status != 401 or not own or answer.origin != origin_of(url):
            return answer
        challenge = answer.header("WWW-Authenticate")
        if not self._authorizer.respond(challenge, answer.origin, scopes, sent):
            return answer
        if body is not None and not isinstance(body, bytes):
            return answer
        answer.discard()
        fresh = self._authorizer.header(scopes)
        return self._connections.send(method, url, headers or {}, body=body, authorization=fresh)

    def send(
        self,
        method: str,
        url: str,
        *,
        scopes: Scopes = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """As `once`, repeated while the trouble looks passing; the last answer, whatever its status."""
        failures = 0
        while True:
            failures += 1
            try:
                answer = self.once(method, url, scopes=scopes, headers=headers, body=body)
            except Dropped as error:
                if error.lasting or failures == self.patience.attempts:
                    raise
                self.patience.pause(failures)
                continue
            if answer.status not in TRANSIENT or failures == self.patience.attempts:
                return answer
            answer.discard()
            self.patience.pause(failures, answer.header("Retry-After"))

    def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """One GET of `path` below the repository."""
        return self.once("GET", self.url(path), headers=headers)

    def plain(self, url: str, headers: Mapping[str, str]) -> Answer:
        """A GET of a foreign address, without any credential."""
        return self._connections.send("GET", url, headers)

    def authorized(self, scopes: Scopes) -> bool:
        """Whether there is a fresh authorization for `scopes`."""
        return self._authorizer.header(scopes) is not None

    def refusal(self, answer: Answer, what: str) -> SlimmlError:
        """The error for an answer that is none of those hoped for."""
        return refusal(answer, f"{self}: {what}", self._authorizer.way_out)

    def _endpoint(self) -> str:
        with self._lock:
            if not self._base:
                self._base = find_endpoint(self.registry, self._connections.send, insecure=self.access.insecure)
            return self._base
