"""An image of this Python with a service that needs something for each answer, and engines that run it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engines import engine_directory, missing, need, running_dockerd, running_podman

from slimml.demo import this_python
from slimml.demo.layer import write_layer
from slimml.oci import documents, media_types
from slimml.oci.blobs import BlobStore
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.image import assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.platform import host_platform
from slimml.oci.reference import parse_reference
from slimml.probes.probe import CommandProbe, HttpProbe, Ready, Suite

SITE = f"usr/local/lib/{this_python.VERSION}/site-packages"
ZONES = Path("/usr/share/zoneinfo")
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
LIBRARIES = {"sqlite3": "libsqlite3.so", "bz2": "libbz2.so", "lzma": "liblzma.so"}
NAMES = ("library", "data", "lazy", "tls", "zone", "clock", "rank", "noisy")
_LEFT_OUT = ("/test/", "/config-", "/idlelib/", "/lib2to3/", "/ensurepip/", "/tkinter/", "/turtledemo/", ".opt-")


@dataclass(frozen=True)
class Recipe:
    """What images are made of: the layers that all share, and the paths that each answer needs."""

    store: Any
    layers: tuple
    needs: dict[str, tuple[str, ...]]
    module: str

    def image(self, name: str = "original", *, without: tuple[str, ...] = (), changed: dict[str, bytes] | None = None):
        """An image less the paths `without` and with files `changed`, in a layer on top."""
        layers = list(self.layers)
        if without or changed:
            layers.append(write_layer(self.store, lambda layer: _change(layer, without, changed or {})))
        return _image(parse_reference(f"oci:nowhere:{name}"), self.store, layers, self.module)

    @property
    def suite(self) -> Suite:
        """A probe for each answer, and two commands."""
        python = f"/usr/local/bin/{this_python.VERSION}"
        sorted_names = "import json; print(*sorted({'b', 'a'})); print(json.dumps({'x': 0.25}))"
        probes = (
            *(HttpProbe(name=name, path=f"/{name}", port=8000, timeout=60) for name in NAMES),
            CommandProbe("command", (python, "-c", sorted_names)),
            CommandProbe("error", (python, "-c", "import sys; sys.exit('no')"), alone=True),
        )
        return Suite(probes, "the test", ready=Ready(http="/health", port=8000, timeout=120))


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """See Recipe."""
    need("openssl")
    if not (ZONES / "Asia/Tokyo").exists():
        missing("this machine has no time zones to put into an image")
    place = tmp_path_factory.mktemp("recipe")
    tree = this_python.interpreter(())
    tree.files = {path: here for path, here in tree.files.items() if not any(word in path for word in _LEFT_OUT)}
    module, library = next(
        (module, name) for module, name in LIBRARIES.items() if any(name in path for path in tree.files)
    )
    authority, server = _certificates(place)
    store = BlobStore(place / "blobs")
    layers = (
        write_layer(store, lambda layer: _base(layer, tree, authority)),
        write_layer(store, lambda layer: _application(layer, server)),
    )
    needs = {
        "library": tuple(path for path in (*tree.files, *tree.links) if f"/{library}." in path),
        "data": ("opt/app/words.txt",),
        "lazy": (f"{SITE}/lazything/__init__.py", f"{SITE}/lazything/answer.py"),
        "tls": (CERTIFICATES,),
        "zone": ("usr/share/zoneinfo/Asia/Tokyo",),
        "rank": ("opt/app/weights.txt",),
    }
    return Recipe(store, layers, needs, module)


def _certificates(place: Path) -> tuple[bytes, bytes]:
    """An authority's certificate, and a key with a certificate for localhost that it signed."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=place)

    made = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(*made, "-x509", "-subj", "/CN=test authority", "-days", "3650", "-keyout", "ca.key", "-out", "ca.pem")
    openssl(*made, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (place / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "3650", "-extfile", "names", "-out", "server.crt")  # fmt: skip
    server = (place / "server.key").read_bytes() + (place / "server.crt").read_bytes()
    return (place / "ca.pem").read_bytes(), server


def _base(layer: Any, tree: Any, authority: bytes) -> None:
    layer.directory("tmp", 0o1777)
    layer.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    layer.file("etc/group", b"root:x:0:\n")
    layer.tree(tree)
    layer.file(CERTIFICATES, authority)
    layer.file("usr/share/zoneinfo/Asia/Tokyo", (ZONES / "Asia/Tokyo").read_bytes())


def _application(layer: Any, server: bytes) -> None:
    layer.file("opt/app/service.py", Path(__file__).with_name("odd_service.py").read_bytes())
    layer.file("opt/app/server.pem", server)
    layer.file("opt/app/words.txt", b"one two three four\n")
    layer.file("opt/app/weights.txt", b"0.5 0.25 0.125 0.0625\n")
    layer.file(f"{SITE}/lazything/__init__.py", b"")
    layer.file(f"{SITE}/lazything/answer.py", b"ANSWER = 42\n")


def _change(layer: Any, without: tuple[str, ...], changed: dict[str, bytes]) -> None:
    for path in without:
        layer.directory(path.rpartition("/")[0])
        layer.whiteout(path)
    for path, content in changed.items():
        layer.file(path, content)


def _image(reference: Any, store: Any, layers: list, module: str) -> Any:
    platform = host_platform()
    document = {
        "os": platform.os,
        "architecture": platform.architecture,
        **({"variant": platform.variant} if platform.variant else {}),
        "config": {
            "Env": [
                "PATH=/usr/local/bin:/usr/bin:/bin",
                "LD_LIBRARY_PATH=/usr/local/lib",
                f"SSL_CERT_FILE=/{CERTIFICATES}",
                "TZ=Asia/Tokyo",
            ],
            "Cmd": [f"/usr/local/bin/{this_python.VERSION}", "service.py", module],
            "WorkingDir": "/opt/app",
            "ExposedPorts": {"8000/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
        "history": [{"created_by": f"RUN step {number}"} for number in range(len(layers))],
    }
    config = parse_config(documents.dump_canonical(document))
    described = Descriptor(media_types.OCI_CONFIG, config.digest, len(config.raw))
    store.put_bytes(described, config.raw)
    manifest = build_manifest(config=described, layers=[descriptor for descriptor, _ in layers])
    return assemble(reference, manifest, config, store)


@contextmanager
def _engine(name: str) -> Iterator[Any]:
    from slimml.engine.choose import find_engine
    from slimml.oci.transfer import Access

    if name in ("docker", "podman"):
        running = running_dockerd if name == "docker" else running_podman
        with engine_directory() as directory, running(directory) as socket_path:
            yield find_engine(name, Access(engine=f"unix://{socket_path}"))
    else:
        need(name)
        yield find_engine(name, Access())


@pytest.fixture(scope="session", params=["docker", "podman", "runc"])
def engine(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each engine in turn."""
    with _engine(request.param) as found:
        yield found


@pytest.fixture(scope="session")
def runc() -> Iterator[Any]:
    """The engine that needs no daemon."""
    with _engine("runc") as found:
        yield found
