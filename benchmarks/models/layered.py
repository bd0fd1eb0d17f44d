"""An image in an OCI layout out of the layers of a base and files of this machine, without building anything."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slimml.oci.codec import compressor, parse_encoding

SITE = "usr/local/lib/python3.11/dist-packages"
STORED = "zstd:3"
"""how layers are stored, as BuildKit does unless told otherwise"""
_PIECE = 1 << 20
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"

Files = Mapping[str, Path | bytes]
"""content by path, which has no slash at its beginning"""


@dataclass(frozen=True)
class Layer:
    """A layer as the manifest and the config name it, and what it is for."""

    descriptor: dict[str, Any]
    diff_id: str
    made_by: str


def base_layers(base: Path, layout: Path) -> list[Layer]:
    """The layers of the only image of `base`, a layout, in another one; plain ones are stored in zstd there."""
    index = json.loads((base / "index.json").read_bytes())
    manifest = json.loads(_blob(base, index["manifests"][0]["digest"]).read_bytes())
    config = json.loads(_blob(base, manifest["config"]["digest"]).read_bytes())
    layers = []
    for descriptor, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        blob = _blob(base, descriptor["digest"])
        if descriptor["mediaType"].endswith(".tar"):
            descriptor = _stored(layout, blob)
        else:
            shutil.copyfile(blob, _blob(layout, descriptor["digest"]))
        layers.append(Layer(descriptor, diff_id, "base"))
    return layers


def add_layer(layout: Path, files: Files, made_by: str) -> Layer:
    """A layer of files, their directories before them, owned by root."""
    plain = layout / "layer.tar"
    with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as archive:
        made: set[str] = set()
        for path, content in sorted(files.items()):
            for parent in [*reversed(Path(path).parents)][1:]:
                if str(parent) not in made:
                    made.add(str(parent))
                    archive.addfile(_entry(str(parent), tarfile.DIRTYPE, 0o755))
            held = content.read_bytes() if isinstance(content, Path) else content
            entry = _entry(path, tarfile.REGTYPE, 0o755 if "/bin/" in path else 0o644)
            entry.size = len(held)
            archive.addfile(entry, io.BytesIO(held))
    diff_id = _digest(plain)
    layer = Layer(_stored(layout, plain), diff_id, made_by)
    plain.unlink()
    return layer


def tree(place: Path, below: str) -> dict[str, Path | bytes]:
    """Every file of a directory, as it is to lie in the image."""
    return {f"{below}/{path.relative_to(place)}": path for path in place.rglob("*") if path.is_file()}


def write_image(layout: Path, name: str, layers: Sequence[Layer], command: Sequence[str]) -> None:
    """Put the image into the layout under the name, in the place of an earlier one of this name."""
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"], "Cmd": [*command]},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created_by": layer.made_by} for layer in layers],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _document(layout, _CONFIG, config),
        "layers": [layer.descriptor for layer in layers],
    }
    own = _document(layout, _MANIFEST, manifest) | {"annotations": {"org.opencontainers.image.ref.name": name}}
    index = layout / "index.json"
    known = json.loads(index.read_bytes())["manifests"] if index.exists() else []
    rest = [one for one in known if one.get("annotations") != own["annotations"]]
    index.write_text(json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [*rest, own]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode = kind, mode
    return entry


def _stored(layout: Path, plain: Path) -> dict[str, Any]:
    packed, packer = layout / "layer.zst", compressor(parse_encoding(STORED))
    with plain.open("rb") as source, packed.open("wb") as target:
        while piece := source.read(_PIECE):
            target.write(packer.compress(piece))
        target.write(packer.finish())
    digest, size = _digest(packed), packed.stat().st_size
    packed.replace(_blob(layout, digest))
    return {"mediaType": f"{_LAYER}+zstd", "digest": digest, "size": size}


def _document(layout: Path, kind: str, content: dict[str, Any]) -> dict[str, Any]:
    held = json.dumps(content).encode()
    digest = f"sha256:{hashlib.sha256(held).hexdigest()}"
    _blob(layout, digest).write_bytes(held)
    return {"mediaType": kind, "digest": digest, "size": len(held)}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def _blob(layout: Path, digest: str) -> Path:
    place = layout / "blobs" / "sha256"
    place.mkdir(parents=True, exist_ok=True)
    return place / digest.partition(":")[2]
