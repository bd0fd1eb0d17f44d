"""An image of this Python with a service that needs a library, a file, a package, certificates and a time zone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from engines import missing
from layered_image import finding

from slimml.bloat.detect import find_bloat
from slimml.bloat.finding import Action, Risk
from slimml.demo import this_python
from slimml.demo.layer import write_layer
from slimml.inventory.take import take_inventory
from slimml.oci import documents, media_types, transfer
from slimml.oci.blobs import BlobStore
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.image import assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.platform import host_platform
from slimml.oci.reference import parse_reference
from slimml.probes.probe import HttpProbe, Ready, Suite

LIBRARIES = {"sqlite3": "libsqlite3.so", "bz2": "libbz2.so", "lzma": "liblzma.so"}
SITE = f"usr/local/lib/{this_python.VERSION}/site-packages"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
ZONES = Path("/usr/share/zoneinfo")
NOT_NEEDED = {"test", "tests", "__pycache__", "idlelib", "lib2to3", "ensurepip", "pydoc_data", "turtledemo"}
"""of the standard library: what would only make the test slower"""
NAMES = ("library", "data", "lazy", "certificates", "zone")


@dataclass(frozen=True)
class Service:
    """The image: its reference, inventory and findings, and the paths that each answer needs."""

    reference: str
    inventory: Any
    findings: tuple
    needs: dict

    def breaking(self, *names):
        """The findings, and one that wrongly takes along what these answers need, and all kinds of other files."""
        live = self.inventory.live
        wrong = {path for name in names for path in self.needs[name]}
        others = {path for path in live if path.startswith(("opt/other/", "usr/share/zoneinfo/"))}
        others -= {path for needed in self.needs.values() for path in needed}
        rows = sorted(live[path] for path in wrong | others)
        chosen = [found for found in self.findings if not np.isin(found.rows, rows).any()]
        return [*chosen, finding(rows, Action.DROP, rule="planted", risk=Risk.LIKELY)]

    @property
    def suite(self):
        """A probe for each answer."""
        probes = tuple(HttpProbe(name=name, path=f"/{name}", port=8000, timeout=30) for name in NAMES)
        return Suite(probes, "the test", ready=Ready(http="/health", port=8000, timeout=60))


def make_service(place: Path) -> Service:
    """Write the image into a layout in `place`; skips where this machine has no certificates or time zones."""
    if not (CERTIFICATES.exists() and (ZONES / "Europe/Berlin").exists()):
        missing("this machine has no certificates or no time zones to put into an image")
    tree = this_python.interpreter(())
    tree.files = {path: here for path, here in tree.files.items() if NOT_NEEDED.isdisjoint(path.split("/"))}
    module, library = next(
        (module, name) for module, name in LIBRARIES.items() if any(name in path for path in tree.files)
    )
    store = BlobStore(place / "build")
    layers = [
        write_layer(store, lambda layer: _base(layer, tree)),
        write_layer(store, _application),
    ]
    reference = parse_reference(f"oci:{place}/layout:v1")
    transfer.write_image(_image(reference, store, layers, module), reference)
    inventory = take_inventory(transfer.open_image(reference))
    needs = {
        "library": {path for path in inventory.live if f"/{library}." in path},
        "data": {"opt/app/data/words.txt"},
        "lazy": {path for path in inventory.live if path.startswith(f"{SITE}/lazything")},
        "certificates": {"etc/ssl/certs/ca-certificates.crt"},
        "zone": {"usr/share/zoneinfo/Europe/Berlin"},
    }
    return Service(str(reference), inventory, tuple(find_bloat(inventory)), needs)


def _base(layer, tree):
    layer.directory("tmp", 0o1777)
    layer.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    layer.file("etc/group", b"root:x:0:\n")
    layer.tree(tree)
    layer.file("etc/ssl/certs/ca-certificates.crt", CERTIFICATES.read_bytes())
    for path in sorted((ZONES / "Europe").iterdir()):
        if path.is_file():
            layer.file(f"usr/share/zoneinfo/Europe/{path.name}", path.read_bytes())


def _application(layer):
    layer.file("opt/app/service.py", Path(__file__).with_name("needy_service.py").read_bytes())
    layer.file("opt/app/data/words.txt", b"one two three four\n" * 5000)
    layer.file(f"{SITE}/lazything/__init__.py", b"")
    layer.file(f"{SITE}/lazything/answer.py", b"ANSWER = 42\n" + b"# and more\n" * 8000)
    for number in range(60):
        layer.file(f"opt/other/{number % 6}/{number}.bin", bytes([number]) * 70_000)


def _image(reference, store, layers, module):
    platform = host_platform()
    program = f"/usr/local/bin/{this_python.VERSION}"
    document = {
        "os": platform.os,
        "architecture": platform.architecture,
        **({"variant": platform.variant} if platform.variant else {}),
        "config": {
            "Env": [
                "PATH=/usr/local/bin:/usr/bin:/bin",
                "LD_LIBRARY_PATH=/usr/local/lib",
                "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
                "PYTHONDONTWRITEBYTECODE=1",
            ],
            "Cmd": [program, "service.py", module],
            "WorkingDir": "/opt/app",
            "ExposedPorts": {"8000/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
        "history": [{"created_by": "RUN python"}, {"created_by": "COPY . /opt/app"}],
    }
    config = parse_config(documents.dump_canonical(document))
    described = Descriptor(media_types.OCI_CONFIG, config.digest, len(config.raw))
    store.put_bytes(described, config.raw)
    manifest = build_manifest(config=described, layers=[descriptor for descriptor, _ in layers])
    return assemble(reference, manifest, config, store)
