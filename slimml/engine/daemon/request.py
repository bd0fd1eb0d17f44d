"""What an engine is told to create: the body of `POST /containers/create`, and Podman's own for GPUs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slimml.engine.container import RunSpec
from slimml.engine.gpus import cdi_names, docker_requests, parse_gpus
from slimml.engine.leftovers import LABEL, this_run
from slimml.errors import UsageError
from slimml.oci import documents
from slimml.oci.image import Image

HOSTNAME = "slimml"
"""the same for every container: a name that differs from run to run would be a difference in answers"""
_WHAT = "the image config"
_CPU_PERIOD = 100_000
_NANO = 1_000_000_000


@dataclass(frozen=True)
class Circumstances:
    """What an engine cannot do, as learnt by trying. `limits` (soft, hard) by name are set instead of its own.

    `network` False: it can make no network; its containers have loopback only. `publish` is the address of the
    engine's host at which ports are published.
    """

    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    network: bool = True
    publish: str = "127.0.0.1"


def arguments(image: Image, spec: RunSpec) -> list[str]:
    """The program and its arguments; raises UsageError when there is none, InvalidImage."""
    runtime = image.config.runtime
    own = {key: [str(word) for word in documents.sequence(runtime, key, _WHAT)] for key in ("Entrypoint", "Cmd")}
    if spec.entrypoint is not None:
        found = [*spec.entrypoint, *(spec.argv or ())]
    else:
        found = own["Entrypoint"] + (own["Cmd"] if spec.argv is None else list(spec.argv))
    if not found:
        raise UsageError(f"{image.reference} has no command (no ENTRYPOINT, no CMD); name one")
    return found


def docker_request(image: Image, handle: str, spec: RunSpec, circumstances: Circumstances) -> dict[str, Any]:
    """The body of Docker's API, which Podman takes as well; raises UsageError, InvalidImage."""
    resources, network = spec.resources, spec.network and circumstances.network
    ports = [f"{port}/tcp" for port in spec.ports] if network else []
    host: dict[str, Any] = {
        "NetworkMode": "default" if network else "none",
        "PortBindings": {port: [{"HostIp": circumstances.publish, "HostPort": ""}] for port in ports},
        "Mounts": [
            {
                "Type": "bind",
                "Source": str(mount.source.absolute()),
                "Target": mount.target,
                "ReadOnly": not mount.writable,
            }
            for mount in spec.mounts
        ],
        "LogConfig": {"Type": "none"},
    }
    if resources.memory is not None:
        host |= {"Memory": resources.memory, "MemorySwap": resources.memory}
    if resources.cpus is not None:
        host["NanoCpus"] = round(resources.cpus * _NANO)
    if resources.gpus is not None:
        host["DeviceRequests"] = docker_requests(parse_gpus(resources.gpus))
    if circumstances.limits:
        limits = circumstances.limits.items()
        host["Ulimits"] = [{"Name": name, "Soft": soft, "Hard": hard} for name, (soft, hard) in limits]
    body: dict[str, Any] = {
        "Image": handle,
        # All words as the entrypoint: an empty Cmd would give way to the image's own.
        "Entrypoint": arguments(image, spec),
        "Cmd": [],
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "Hostname": HOSTNAME,
        "Tty": False,
        "ExposedPorts": {port: {} for port in ports},
        "Labels": {LABEL: this_run()},
        "HostConfig": host,
    }
    if _checks_health(image):
        body["Healthcheck"] = {"Test": ["NONE"]}
    return body | _own_words(spec, "User", "WorkingDir")


def podman_request(image: Image, handle: str, spec: RunSpec, circumstances: Circumstances, name: str) -> dict[str, Any]:
    """The body of Podman's own API, the only one that takes CDI devices before Podman 5 (libpod, SpecGenerator)."""
    resources, network = spec.resources, spec.network and circumstances.network
    limits: dict[str, Any] = {}
    if resources.memory is not None:
        limits["memory"] = {"limit": resources.memory, "swap": resources.memory}
    if resources.cpus is not None:
        limits["cpu"] = {"quota": round(resources.cpus * _CPU_PERIOD), "period": _CPU_PERIOD}
    names = cdi_names(parse_gpus(resources.gpus)) if resources.gpus is not None else []
    body: dict[str, Any] = {
        "name": name,
        "image": handle,
        "entrypoint": arguments(image, spec),
        "command": [],
        "env": dict(spec.environment),
        "hostname": HOSTNAME,
        "labels": {LABEL: this_run()},
        "log_configuration": {"driver": "none"},
        "devices": [{"path": name} for name in names],
        "resource_limits": limits,
        "mounts": [
            {
                "type": "bind",
                "source": str(mount.source.absolute()),
                "destination": mount.target,
                "options": ["rbind", "rw" if mount.writable else "ro"],
            }
            for mount in spec.mounts
        ],
    }
    if network:
        body["portmappings"] = [
            {"container_port": port, "host_ip": circumstances.publish, "protocol": "tcp"} for port in spec.ports
        ]
    else:
        body["netns"] = {"nsmode": "none"}
    if _checks_health(image):
        body["healthconfig"] = {"Test": ["NONE"]}
    if circumstances.limits:
        body["r_limits"] = [
            # Unlimited is -1 for getrlimit(2) and the largest number here.
            {"type": name, "soft": soft % 2**64, "hard": hard % 2**64}
            for name, (soft, hard) in circumstances.limits.items()
        ]
    return body | _own_words(spec, "user", "work_dir")


def _checks_health(image: Image) -> bool:
    """Whether the image has a check, which would disturb. Where it has none nothing is said: Podman times even none."""
    return bool(image.config.runtime.get("Healthcheck"))


def _own_words(spec: RunSpec, user: str, directory: str) -> dict[str, str]:
    return {key: value for key, value in ((user, spec.user), (directory, spec.directory)) if value is not None}
