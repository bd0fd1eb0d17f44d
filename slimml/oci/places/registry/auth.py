"""Answers to a registry's challenge: basic (RFC 7617) and bearer tokens per scope (distribution, auth/token)."""

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import urlencode

from slimml.errors import AccessDenied, InvalidImage
from slimml.oci import documents
from slimml.oci.places.registry.answer import Answer, refusal
from slimml.oci.places.registry.connections import Body, Sender
from slimml.oci.places.registry.credentials import Credential, Lookup
from slimml.oci.places.registry.origin import Origin, keeps_secrets, origin_of
from slimml.oci.places.registry.patience import Patience
from slimml.oci.places.registry.wording import shown

Scopes = tuple[str, ...]

_TOKEN_BYTES = 1 << 20
_DEFAULT_LIFE = 60
_LONGEST_LIFE = 1 << 31
"""seconds; a token server may say any number"""
_MARGIN = 5
_CLIENT = "slimml"
_PART = re.compile(r'([A-Za-z][\w.-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?')


@dataclass(frozen=True)
class Challenge:
    """One challenge of WWW-Authenticate (RFC 9110, 11.6.1); names are lower case."""

    scheme: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class _Authorization:
    header: str
    expires: float


@dataclass
class Authorizer:
    """Authorizations for one registry, kept per scope. Safe to share between threads.

    `send` reaches token servers, `lookup` finds the credential (called once, at the first challenge).
    """

    registry: str
    send: Sender
    lookup: Callable[[], Lookup]
    patience: Patience
    insecure: bool
    _known: dict[Scopes, _Authorization] = field(default_factory=dict)
    _found: Lookup | None = None
    _lock: Lock = field(default_factory=Lock)

    def header(self, scopes: Scopes) -> str | None:
        """The Authorization header to send unasked, None before the registry has asked for one."""
        known = self._known.get(scopes) or self._known.get(())
        return known.header if known and known.expires > time.monotonic() else None

    def respond(self, challenged: str, origin: Origin, scopes: Scopes, sent: str | None) -> bool:
        """Take up a challenge (the value of WWW-Authenticate) of the registry at `origin`.

        `sent` is the header that was refused. True when another one is to be had from `header`. Raises AccessDenied
        when the token server refuses or cannot be trusted, Unavailable when it cannot be reached.
        """
        with self._lock:
            if (current := self.header(scopes)) and current != sent:
                return True
            challenges = {challenge.scheme: challenge.parameters for challenge in parse_challenges(challenged)}
            if "bearer" in challenges:
                fresh = self._bearer(challenges["bearer"], origin, scopes)
                self._known[scopes] = fresh
            elif "basic" in challenges and (basic := _basic(self._credential().credential)):
                fresh = _Authorization(basic, float("inf"))
                self._known[()] = fresh
            else:
                return False
            return fresh.header != sent

    @property
    def way_out(self) -> str:
        """What may help somebody whom the registry denied access."""
        lookup = self._found
        trouble = f"{lookup.trouble}; " if lookup and lookup.trouble else ""
        return f"{trouble}log in with `docker login {self.registry}`"

    def _credential(self) -> Lookup:
        if self._found is None:
            self._found = self.lookup()
        return self._found

    def _bearer(self, parameters: dict[str, str], origin: Origin, scopes: Scopes) -> _Authorization:
        realm = parameters.get("realm", "")
        if not realm:
            raise AccessDenied(f"{self.registry} asks for a token and does not say where to get it")
        if not self.insecure and not keeps_secrets(origin, origin_of(realm)):
            raise AccessDenied(
                f"{self.registry} wants its credentials sent to {shown(realm)}, without TLS; --insecure allows it"
            )
        credential = self._credential().credential or Credential()
        if credential.registry_token:
            return _Authorization(f"Bearer {credential.registry_token}", float("inf"))
        answer = self._ask(realm, parameters.get("service", ""), scopes, credential)
        if answer.status != 200:
            whose = "its credentials" if credential != Credential() else "nobody in particular"
            raise refusal(answer, f"{self.registry}: no token for {whose} and {' '.join(scopes)}", self.way_out)
        return self._token(answer.document(_TOKEN_BYTES, self.patience, f"the token of {self.registry}"))

    def _ask(self, realm: str, service: str, scopes: Scopes, credential: Credential) -> Answer:
        method, url, body, headers = "GET", realm, None, {"Accept": "application/json"}
        asked: list[tuple[str, str]] = [("service", service)] if service else []
        if credential.identity_token:
            # distribution, auth/oauth: only a POST exchanges an identity token
            asked += [("grant_type", "refresh_token"), ("refresh_token", credential.identity_token)]
            asked += [("client_id", _CLIENT), ("scope", " ".join(scopes))]
            method, body = "POST", urlencode(asked).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            asked += [("client_id", _CLIENT), *(("scope", scope) for scope in scopes)]
            url = realm + ("&" if "?" in realm else "?") + urlencode(asked)
        sent: Body = body
        return self.send(method, url, headers, body=sent, authorization=_basic(credential))

    def _token(self, body: bytes) -> _Authorization:
        what = f"the token of {self.registry}"
        try:
            document = documents.load_object(body, what)
            token = documents.text(document, "token", what, default="")
            token = token or documents.text(document, "access_token", what)
            life = document.get("expires_in")
        except InvalidImage as error:
            raise AccessDenied(f"{error}; the token server is misconfigured") from None
        if not token.isascii() or not token.isprintable():
            raise AccessDenied(f"{what} has characters that no header may have")
        seconds = life if isinstance(life, int) and 0 < life < _LONGEST_LIFE else _DEFAULT_LIFE
        return _Authorization(f"Bearer {token}", time.monotonic() + max(seconds - _MARGIN, 1))


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges of a WWW-Authenticate header, several of which may be joined by commas."""
    found: list[Challenge] = []
    for match in _PART.finditer(header):
        name, quoted, bare = match.groups()
        if quoted is None and bare is None:
            found.append(Challenge(name.lower(), {}))
        elif found:
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
            found[-1].parameters.setdefault(name.lower(), value)
    return found


def _basic(credential: Credential | None) -> str | None:
    if credential is None or not credential.username:
        return None
    return "Basic " + base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def pull_scope(repository: str) -> str:
    """The scope that reading a repository needs."""
    return f"repository:{repository}:pull"


def push_scope(repository: str) -> str:
    """The scope that writing to a repository needs; pull comes with it, for HEAD before upload."""
    return f"repository:{repository}:pull,push"
