"""Images in memory, and servers between slimml and a registry that misbehave in one way each."""

import gzip
import io
import json
import random
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest, sha256
from slimml.oci.image import Image, assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import OCI_CONFIG, OCI_LAYER
from slimml.oci.places.registry.patience import Patience
from slimml.oci.platform import Platform
from slimml.oci.reference import Reference, parse_reference
from slimml.oci.transfer import Access


@dataclass
class HeldBlobs:
    """Blobs in memory; counts how often each was opened."""

    blobs: dict[Digest, bytes]
    opened: list[Digest] = field(default_factory=list)

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> io.BytesIO:
        self.opened.append(descriptor.digest)
        return io.BytesIO(self.blobs[descriptor.digest][offset:])


def _layer(name: str, size: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = size
        tar.addfile(member, io.BytesIO(random.Random(name).randbytes(size)))
    return buffer.getvalue()


@pytest.fixture
def make_image() -> Callable[..., Image]:
    """`make_image("a", "b", size=1000)`: an image with a gzip layer per name, `size` random bytes each."""

    def make(*names: str, size: int = 1000, architecture: str = "amd64") -> Image:
        tars = [_layer(name, size) for name in names]
        stored = [gzip.compress(tar, compresslevel=1, mtime=0) for tar in tars]
        rootfs = {"type": "layers", "diff_ids": [sha256(tar) for tar in tars]}
        document = {"architecture": architecture, "os": "linux", "config": {"Env": ["A=b"]}, "rootfs": rootfs}
        config = json.dumps(document).encode()
        layers = [Descriptor(f"{OCI_LAYER}+gzip", sha256(blob), len(blob)) for blob in stored]
        manifest = build_manifest(config=Descriptor(OCI_CONFIG, sha256(config), len(config)), layers=layers)
        blobs = HeldBlobs({sha256(blob): blob for blob in stored})
        return assemble(parse_reference("oci:made"), manifest, parse_config(config), blobs)

    return make


@pytest.fixture(autouse=True)
def _nobody_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a home of its own, in which nobody has logged in anywhere."""
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "home/.docker"))


@pytest.fixture
def log_in(tmp_path: Path) -> Callable[..., None]:
    """`log_in(registry, auth=…)` writes an entry as `docker login` does."""

    def write(registry: str, **entry: str) -> None:
        path = tmp_path / "home/.docker/config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"auths": {registry: entry}}))

    return write


@pytest.fixture
def access() -> Access:
    return Access(platform=Platform("linux", "amd64"))


@pytest.fixture
def hasty() -> Patience:
    """Tries as often as usual, without waiting in between."""
    return Patience(first_wait=0.0, longest_wait=0.0, read_timeout=10.0)


@pytest.fixture
def named() -> Callable[[str, str], Reference]:
    """`named(address, "app:1")`: the reference of an image in that registry."""
    return lambda address, rest: parse_reference(f"docker://{address}/{rest}")


class Cutter:
    """A TCP proxy that cuts its first connections that pass a number of bytes, then is quiet."""

    def __init__(self, target: str, *, up: int | None, down: int | None, times: int) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._limits = {"up": up, "down": down}
        self._left = times
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def cuts_left(self) -> int:
        return self._left

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            for name, source, sink in (("up", near, far), ("down", far, near)):
                threading.Thread(target=self._copy, args=(name, source, sink), daemon=True).start()

    def _copy(self, name: str, source: socket.socket, sink: socket.socket) -> None:
        passed, limit = 0, self._limits[name]
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
                passed += len(piece)
                if limit is not None and passed > limit and self._take():
                    break
        except OSError:
            pass
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0


@pytest.fixture
def cutter() -> Iterator[Callable[..., Cutter]]:
    """`cutter(address, up=N, down=N, times=1)`: a proxy that breaks connections after N bytes in one direction."""
    with ExitStack() as running:

        def start(target: str, *, up: int | None = None, down: int | None = None, times: int = 1) -> Cutter:
            found = Cutter(target, up=up, down=down, times=times)
            running.callback(found.close)
            return found

        yield start


@dataclass
class Said:
    """One request as the server got it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


Answering = Callable[[BaseHTTPRequestHandler, Said], None]


@dataclass
class Scripted:
    """An HTTP server whose answers a test writes; `seen` are the requests in order."""

    address: str
    answering: Answering
    seen: list[Said] = field(default_factory=list)

    def secrets(self) -> list[str]:
        """All Authorization headers that came in."""
        return [said.headers["authorization"] for said in self.seen if "authorization" in said.headers]


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


@pytest.fixture
def reply() -> Callable[..., None]:
    """`reply(handler, status, body, Header_Name="value")` answers a request."""
    return answer


@pytest.fixture
def scripted() -> Iterator[Callable[[Answering], Scripted]]:
    """`scripted(answering)` starts a server that answers every request with `answering(handler, said)`."""
    with ExitStack() as running:

        def start(answering: Answering, version: str = "HTTP/1.1") -> Scripted:
            class Handler(BaseHTTPRequestHandler):
                protocol_version = version

                def handle_one(self) -> None:
                    length = int(self.headers.get("Content-Length") or 0)
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    said = Said(self.command, self.path, headers, self.rfile.read(length))
                    found.seen.append(said)
                    try:
                        found.answering(self, said)
                    except OSError:
                        self.close_connection = True

                do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815

                def log_message(self, *_: object) -> None:
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            found = Scripted(f"127.0.0.1:{server.server_address[1]}", answering)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            running.callback(thread.join)
            running.callback(server.server_close)
            running.callback(server.shutdown)
            return found

        yield start
