"""The steps of the recipe as an image in an OCI layout, as a builder would leave it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.demo.layer import write_layer
from slimml.demo.recipe import APPLICATION, USER, VENV, Step, steps
from slimml.oci import documents, media_types, transfer
from slimml.oci.blobs import BlobStore
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.image import assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.platform import host_platform

if TYPE_CHECKING:
    from slimml.oci.digest import Digest
    from slimml.oci.reference import Reference

_CREATED = "2024-01-01T00:00:00Z"
_SECONDS = 1_704_067_200


def build_image(reference: Reference, work: Path) -> None:
    """Build the demo's image at `reference`; `work` is a directory for blobs in the making. Raises Unsupported."""
    store = BlobStore(work / "build")
    layers, diff_ids, history = [], [], []
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        for step in steps(Path(scratch)):
            if step.fill is not None:
                descriptor, diff_id = write_layer(store, step.fill, owner=step.owner, mtime=_SECONDS)
                layers.append(descriptor)
                diff_ids.append(diff_id)
            history.append(_history(step))
    config = parse_config(documents.dump_canonical(_config(diff_ids, history)))
    described = Descriptor(media_types.OCI_CONFIG, config.digest, len(config.raw))
    store.put_bytes(described, config.raw)
    manifest = build_manifest(config=described, layers=layers)
    transfer.write_image(assemble(reference, manifest, config, store), reference)


def _history(step: Step) -> dict[str, object]:
    command = step.line.replace("RUN ", "/bin/sh -c ", 1) if step.fill else f"/bin/sh -c #(nop) {step.line}"
    return {"created": _CREATED, "created_by": command, **({} if step.fill else {"empty_layer": True})}


def _config(diff_ids: list[Digest], history: list[dict[str, object]]) -> dict[str, object]:
    platform = host_platform()
    variant = {"variant": platform.variant} if platform.variant else {}
    return {
        "created": _CREATED,
        "os": platform.os,
        "architecture": platform.architecture,
        **variant,
        "config": {
            # Libraries of a Python outside /usr lie in usr/local/lib, where not every loader looks.
            "Env": [f"PATH=/{VENV}/bin:/usr/local/bin:/usr/bin:/bin", "LD_LIBRARY_PATH=/usr/local/lib"],
            "Cmd": [f"/{VENV}/bin/python", "application.py"],
            "WorkingDir": f"/{APPLICATION}",
            "User": str(USER),
            "ExposedPorts": {"8000/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
        "history": history,
    }
