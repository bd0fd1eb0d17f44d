"""A small image without an engine: this machine's Python below, the files of one commit above it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from slimml.demo.layer import LayerContent, write_layer
from slimml.demo.this_python import interpreter
from slimml.oci import documents, media_types, transfer
from slimml.oci.blobs import BlobStore
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest
from slimml.oci.image import Image, assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.platform import host_platform
from slimml.oci.reference import parse_reference

APPLICATION = "opt/app"
_CREATED, _SECONDS = "2026-01-01T00:00:00Z", 1_767_225_600
_LEFT_OUT = (
    *("config-3", "distutils/", "ensurepip/", "idlelib/", "lib2to3/", "pydoc_data/"),
    *("test/", "tests/", "tkinter/", "turtledemo/"),
)
"""of the standard library, which a service does not need"""

Layer = tuple[Descriptor, Digest]


class SmallImages:
    """Builds images over the same base layer into a layout below `directory`, which is to be empty. Raises Unsupported
    where this Python cannot tell its libraries.
    """

    def __init__(self, directory: Path) -> None:
        self.layout = directory / "images"
        self._store = BlobStore(directory / "build")
        self._base = write_layer(self._store, _base, mtime=_SECONDS)

    def build(self, tag: str, files: Mapping[str, bytes]) -> Image:
        """The image of an application's files, in the layout under `tag`."""

        def copy(layer: LayerContent) -> None:
            for name, content in files.items():
                layer.file(f"{APPLICATION}/{name}", content)

        layers = [self._base, write_layer(self._store, copy, mtime=_SECONDS)]
        config = parse_config(documents.dump_canonical(_config(diff_id for _, diff_id in layers)))
        described = Descriptor(media_types.OCI_CONFIG, config.digest, len(config.raw))
        self._store.put_bytes(described, config.raw)
        manifest = build_manifest(config=described, layers=[descriptor for descriptor, _ in layers])
        reference = parse_reference(f"oci:{self.layout}:{tag}")
        transfer.write_image(assemble(reference, manifest, config, self._store), reference)
        return transfer.open_image(reference)


def _base(layer: LayerContent) -> None:
    tree = interpreter(())
    tree.files = {path: source for path, source in tree.files.items() if not _left_out(path)}
    layer.directory("tmp", 0o1777)
    layer.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    layer.file("etc/group", b"root:x:0:\n")
    layer.tree(tree)


def _left_out(path: str) -> bool:
    return any(f"/{part}" in path for part in _LEFT_OUT)


def _config(diff_ids: Iterable[Digest]) -> dict[str, object]:
    platform = host_platform()
    steps = ("ADD rootfs.tar.xz / # buildkit", f"COPY . /{APPLICATION} # buildkit")
    return {
        "created": _CREATED,
        "os": platform.os,
        "architecture": platform.architecture,
        **({"variant": platform.variant} if platform.variant else {}),
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LD_LIBRARY_PATH=/usr/local/lib", "PYTHONHASHSEED=0"],
            "Cmd": ["python3", "service.py"],
            "WorkingDir": f"/{APPLICATION}",
            "ExposedPorts": {"8000/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
        "history": [{"created": _CREATED, "created_by": step} for step in steps],
    }
