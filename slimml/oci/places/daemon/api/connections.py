"""Ways to an engine's HTTP: a unix socket, TCP with or without TLS, ssh as Docker's own client goes it."""

import http.client
import shlex
import socket
import ssl
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slimml.errors import NotFound, SlimmlError, UsageError
from slimml.oci.places.daemon.api.address import Address, Tls

_PLAIN_PORT, _TLS_PORT = 2375, 2376
_SSH_SECONDS = 30
_SSH_WORDS = 500


def connection_to(address: Address, timeout: float) -> http.client.HTTPConnection:
    """A connection that is not made yet; `timeout` is in seconds. Raises NotFound for keys that are not there."""
    if address.socket_path is not None:
        return UnixConnection(address.socket_path, timeout)
    parts = urlsplit(address.url)
    if parts.scheme == "ssh":
        return SshConnection(address.url, timeout)
    host, port = parts.hostname, parts.port
    if host is None:
        raise UsageError(f"{address} names no host")
    if address.tls is not None:
        return http.client.HTTPSConnection(host, port or _TLS_PORT, timeout=timeout, context=_context(address.tls))
    return http.client.HTTPConnection(host, port or _PLAIN_PORT, timeout=timeout)


def _context(tls: Tls) -> ssl.SSLContext:
    """The directory's keys, named as Docker names them (docs.docker.com, "Protect the Docker daemon socket")."""
    directory = Path(tls.directory)
    authority, certificate, key = (directory / f"{name}.pem" for name in ("ca", "cert", "key"))
    context = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if certificate.exists() or key.exists():
            context.load_cert_chain(certificate, key)
    except FileNotFoundError:
        raise NotFound(f"{directory} has only one of cert.pem and key.pem; set DOCKER_CERT_PATH") from None
    except (OSError, ssl.SSLError) as error:
        raise SlimmlError(f"the keys in {directory} cannot be used: {error}") from None
    return context


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open the socket; raises OSError."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class SshConnection(http.client.HTTPConnection):
    """HTTP over the input and output of `docker system dial-stdio` on another host."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._url = url
        self._process: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        """Start ssh; raises OSError where there is none."""
        ours, theirs = socket.socketpair()
        with theirs:
            ends = theirs.fileno()
            self._process = subprocess.Popen(ssh_command(self._url), stdin=ends, stdout=ends, stderr=subprocess.PIPE)
        ours.settimeout(self.timeout)
        self.sock = ours

    def said(self) -> str:
        """What ssh had to say when it ended without an answer; "" while it runs."""
        if self._process is None or self._process.stderr is None:
            return ""
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            return ""
        return self._process.stderr.read(_SSH_WORDS).decode(errors="replace")

    def end(self) -> None:
        """End ssh. (`close` may not: the client calls it while an answer is still being read.)"""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()
            self._process = None


def hang_up(connection: http.client.HTTPConnection) -> None:
    """Close a connection and all that it needed."""
    connection.close()
    if isinstance(connection, SshConnection):
        connection.end()


def complaint(connection: http.client.HTTPConnection, error: Exception) -> str:
    """Why there is no answer: ssh's words where it was ssh that failed."""
    said = connection.said() if isinstance(connection, SshConnection) else ""
    return said or str(error) or type(error).__name__


def ssh_tunnel(url: str, host: str, port: int, timeout: float) -> socket.socket:
    """A connection from the host of an `ssh://` engine to a port that is reached from there; raises OSError.

    ssh ends when the socket is closed.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        ends = theirs.fileno()
        command = _ssh(url, "-W", f"{host}:{port}")
        subprocess.Popen(command, stdin=ends, stdout=ends, stderr=subprocess.DEVNULL, start_new_session=True)
    ours.settimeout(timeout)
    return ours


def ssh_command(url: str) -> list[str]:
    """The command that Docker's client runs for `ssh://[user@]host[:port][/socket]` (docker/cli, connhelper)."""
    remote = ["docker", "system", "dial-stdio"]
    path = urlsplit(url).path
    if path.strip("/"):
        remote[1:1] = ["--host", f"unix://{path}"]
    return [*_ssh(url), shlex.join(remote)]


def _ssh(url: str, *options: str) -> list[str]:
    parts = urlsplit(url)
    if not parts.hostname:
        raise UsageError(f"{url} names no host")
    command = ["ssh", "-T", "-o", f"ConnectTimeout={_SSH_SECONDS}", *options]
    if parts.username:
        command += ["-l", unquote(parts.username)]
    if parts.port:
        command += ["-p", str(parts.port)]
    return [*command, "--", parts.hostname]
