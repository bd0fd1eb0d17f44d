"""GPUs for a container: by CDI (container-device-interface SPEC.md 0.5), else by the hook of NVIDIA's toolkit."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slimml.engine.bare.bundle import Additions, Document
from slimml.engine.gpus import cdi_names, parse_gpus
from slimml.errors import InvalidImage, Unavailable
from slimml.oci import documents

SPEC_DIRECTORIES = (Path("/etc/cdi"), Path("/var/run/cdi"))
_NVIDIA = "nvidia.com/gpu"
_HOOK = "nvidia-container-runtime-hook"
_SPEC_BYTES = 4 << 20


def gpu_additions(gpus: str | None, directories: Sequence[Path] | None = None) -> Additions:
    """What the GPUs that `gpus` asks for add to a container; `directories` hold CDI specifications.

    Raises UsageError, Unavailable, InvalidImage.
    """
    if gpus is None:
        return Additions()
    directories = SPEC_DIRECTORIES if directories is None else directories
    wanted = cdi_names(parse_gpus(gpus))
    specs = [spec for directory in directories for path in _spec_files(directory) if (spec := _read(path))]
    hook = shutil.which(_HOOK)
    known = {f"{spec.get('kind')}={device.get('name')}" for spec in specs for device in _list(spec, "devices")}
    missing = [name for name in wanted if name not in known]
    if not missing:
        return _joined(specs, frozenset(wanted))
    if hook and all(name.startswith(f"{_NVIDIA}=") for name in wanted):
        visible = ",".join(name.partition("=")[2] for name in wanted)
        environment = {"NVIDIA_VISIBLE_DEVICES": visible, "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
        return Additions(environment, hooks={"prestart": [{"path": hook, "args": [_HOOK, "prestart"]}]})
    places = ", ".join(str(directory) for directory in directories)
    raise Unavailable(
        f"no device {missing[0][:80]} for runc or crun: {places} describe {len(known) or 'no'} devices; "
        f"run `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.json`, or use Docker"
    )


def _spec_files(directory: Path) -> list[Path]:
    found = [path for path in directory.glob("*") if path.suffix in (".json", ".yaml", ".yml")]
    # The same devices are often described in both forms.
    return sorted(found, key=lambda path: (path.suffix != ".json", path.name))


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        data = path.read_bytes()[: _SPEC_BYTES + 1]
    except OSError:
        return None
    if path.suffix == ".json" or data.lstrip()[:1] == b"{":
        return documents.load_object(data, str(path))
    import yaml

    try:
        found = yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise InvalidImage(f"{path} is not YAML: {str(error).splitlines()[0]}") from None
    return found if isinstance(found, dict) else None


def _list(holder: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return [item for item in documents.sequence(holder, key, "a CDI specification") if isinstance(item, dict)]


def _joined(specs: list[Mapping[str, Any]], wanted: frozenset[str]) -> Additions:
    """The edits of the wanted devices, and of each specification that one of them is in, once."""
    edits: list[Mapping[str, Any]] = []
    left = set(wanted)
    for spec in specs:
        mine = [device for device in _list(spec, "devices") if f"{spec.get('kind')}={device.get('name')}" in left]
        if mine:
            left -= {f"{spec.get('kind')}={device.get('name')}" for device in mine}
            edits += [documents.mapping(holder, "containerEdits", "a CDI specification") for holder in (spec, *mine)]
    environment: dict[str, str] = {}
    devices: dict[str, Document] = {}
    mounts: dict[str, Document] = {}
    hooks: dict[str, list[Document]] = {}
    groups: list[int] = []
    for edit in edits:
        pairs = (str(item).partition("=") for item in documents.sequence(edit, "env", "a CDI specification"))
        environment |= {name: value for name, _, value in pairs}
        devices |= {str(node.get("path")): _device(node) for node in _list(edit, "deviceNodes")}
        mounts |= {str(mount.get("containerPath")): _mount(mount) for mount in _list(edit, "mounts")}
        for hook in _list(edit, "hooks"):
            described: Document = {key: hook[key] for key in ("path", "args", "env", "timeout") if key in hook}
            known = hooks.setdefault(str(hook.get("hookName")), [])
            if described not in known:
                known.append(described)
        groups += [int(group) for group in documents.sequence(edit, "additionalGids", "a CDI specification")]
    return Additions(environment, tuple(devices.values()), tuple(mounts.values()), hooks, tuple(groups))


def _device(node: Mapping[str, Any]) -> Document:
    path = str(node.get("path"))
    host = str(node.get("hostPath") or path)
    try:
        state = os.stat(host)
    except OSError as error:
        raise Unavailable(f"device {host[:200]}, which CDI names, cannot be used: {error.strerror}") from None
    return {
        "path": path,
        "type": "b" if stat.S_ISBLK(state.st_mode) else "c",
        "major": os.major(state.st_rdev),
        "minor": os.minor(state.st_rdev),
        "fileMode": int(node.get("fileMode") or stat.S_IMODE(state.st_mode)),
        "uid": int(node.get("uid") or 0),
        "gid": int(node.get("gid") or 0),
    }


def _mount(mount: Mapping[str, Any]) -> Document:
    options = [str(option) for option in documents.sequence(mount, "options", "a CDI specification")]
    return {
        "destination": str(mount.get("containerPath")),
        "type": str(mount.get("type") or "bind"),
        "source": str(mount.get("hostPath")),
        "options": options or ["ro", "nosuid", "nodev", "bind"],
    }
