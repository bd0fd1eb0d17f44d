"""HTTP with urllib3: one pool per origin, proxies from the environment, redirects that carry no secrets away."""

import ssl
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Protocol
from urllib.parse import urljoin
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InsecureRequestWarning,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

import slimml
from slimml.errors import AccessDenied
from slimml.oci.places.registry.answer import Answer, Dropped
from slimml.oci.places.registry.origin import Origin, is_loopback, origin_of
from slimml.oci.places.registry.patience import Patience
from slimml.oci.places.registry.tls import context_for
from slimml.oci.places.registry.wording import shown

Body = bytes | Iterable[bytes] | None

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_CHAIN = 5


class Sender(Protocol):
    """What sends one request and gives its answer, redirects followed."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], *, body: Body = None, authorization: str | None = None
    ) -> Answer: ...


class Connections:
    """Connections to any number of hosts; safe to share between threads.

    `insecure` turns off certificate verification and the refusal to go from https to http.
    """

    def __init__(self, insecure: bool, patience: Patience) -> None:
        self._insecure = insecure
        if insecure:
            # Who says --insecure knows it.
            urllib3.disable_warnings(InsecureRequestWarning)
        self._timeout = urllib3.Timeout(connect=patience.connect_timeout, read=patience.read_timeout)
        self._pools: dict[Origin, urllib3.PoolManager] = {}
        self._lock = Lock()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], *, body: Body = None, authorization: str | None = None
    ) -> Answer:
        """One attempt, following redirects of GET and HEAD.

        `authorization` goes to the origin of `url` only and is dropped for good at the first redirect elsewhere.
        Raises Dropped when there is no answer, AccessDenied for a redirect from https to http.
        """
        start = origin_of(url)
        for _ in range(_LONGEST_CHAIN):
            secret = {"Authorization": authorization} if authorization else {}
            answer = self._attempt(method, url, {**headers, **secret}, body)
            target = answer.header("Location")
            if answer.status not in _REDIRECTS or method not in ("GET", "HEAD") or not target:
                return answer
            answer.discard()
            url = urljoin(url, target)
            origin = origin_of(url)
            if origin.scheme == "http" and answer.origin.scheme == "https" and not self._insecure:
                raise AccessDenied(
                    f"{start.authority} redirects from https to {shown(url)}, which anybody may read and change; "
                    "--insecure allows it"
                )
            if origin != start:
                authorization = None
        raise Dropped(f"{start.authority} redirects more than {_LONGEST_CHAIN} times", lasting=True)

    def _attempt(self, method: str, url: str, headers: Mapping[str, str], body: Body) -> Answer:
        origin = origin_of(url)
        sent = {"User-Agent": f"slimml/{slimml.__version__}", "Accept-Encoding": "identity", **headers}
        try:
            response = self._pool(origin).request(
                method,
                url,
                headers=sent,
                body=body,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=self._timeout,
            )
        except (HTTPError, OSError) as error:
            raise _dropped(origin, error) from None
        return Answer(response, origin, url)

    def _pool(self, origin: Origin) -> urllib3.PoolManager:
        with self._lock:
            if origin not in self._pools:
                self._pools[origin] = self._new_pool(origin)
            return self._pools[origin]

    def _new_pool(self, origin: Origin) -> urllib3.PoolManager:
        context: ssl.SSLContext | None = None
        if origin.scheme == "https":
            context = context_for(origin.host, origin.port, insecure=self._insecure)
        proxy = getproxies().get(origin.scheme)
        if proxy and not is_loopback(origin.host) and not proxy_bypass(origin.host):
            address = proxy if "://" in proxy else f"http://{proxy}"
            return urllib3.ProxyManager(address, maxsize=4, ssl_context=context)
        return urllib3.PoolManager(maxsize=4, ssl_context=context)


def _dropped(origin: Origin, error: Exception) -> Dropped:
    where = origin.authority
    cause = error.args[-1] if error.args else error
    if isinstance(error, SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Dropped(
                f"the certificate of {where} cannot be verified; put its authority into "
                f"/etc/docker/certs.d/{where}/ca.crt, or use --insecure",
                lasting=True,
            )
        if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER_FAILURE" in str(error):
            return Dropped(f"{where} speaks no TLS; --insecure allows plain HTTP", lasting=True)
        return Dropped(f"{where}: TLS failed ({shown(str(cause), 120)})")
    if isinstance(error, ProxyError):
        return Dropped(f"{where}: the proxy failed ({shown(str(cause), 120)}); check HTTPS_PROXY", lasting=True)
    if isinstance(error, NewConnectionError):
        reason = str(error).rpartition(": ")[2]
        return Dropped(f"{where} cannot be reached ({shown(reason, 120)}); check the name", lasting=True)
    if isinstance(error, ConnectTimeoutError | ReadTimeoutError):
        return Dropped(f"{where} does not answer; is it reachable from here?")
    return Dropped(f"{where} broke the connection ({shown(str(cause), 120)})")
