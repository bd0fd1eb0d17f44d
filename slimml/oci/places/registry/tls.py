"""Which certificates a host is verified with: the system's, SSL_CERT_FILE, and Docker's and Podman's certs.d."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

from slimml.errors import UsageError


def context_for(host: str, port: int, *, insecure: bool) -> ssl.SSLContext:
    """A context for `host`; unverified when `insecure`. Raises UsageError for a damaged certificate file.

    As Docker does, `certs.d/HOST:PORT/*.crt` (or `certs.d/HOST` on port 443) are authorities that are trusted for
    this host alone, and `NAME.cert` with `NAME.key` are our own certificate.
    """
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for directory in _directories(host, port):
        for path in sorted(directory.iterdir()):
            try:
                if path.suffix == ".crt":
                    context.load_verify_locations(cafile=path)
                elif path.suffix == ".cert":
                    context.load_cert_chain(path, path.with_suffix(".key"))
            except (OSError, ssl.SSLError) as error:
                raise UsageError(f"{path} is not a usable certificate ({error}); replace or remove it") from None
    return context


def _directories(host: str, port: int) -> Iterator[Path]:
    own = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"))
    for root in (Path("/etc"), own):
        for engine in ("docker", "containers"):
            for name in (f"{host}:{port}", host) if port == 443 else (f"{host}:{port}",):
                directory = root / engine / "certs.d" / name
                if directory.is_dir() and os.access(directory, os.R_OK | os.X_OK):
                    yield directory
