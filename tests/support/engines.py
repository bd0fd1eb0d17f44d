"""Real engines for tests, each with a directory of its own, and a few words of their API without slimml.

`with running_dockerd(directory) as socket:` and `with running_podman(directory) as socket:` give the path of the
engine's socket. Where an engine cannot run the test is skipped, in CI (variable CI) it fails.
"""

import fcntl
import http.client
import io
import json
import os
import secrets
import shutil
import socket
import struct
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

_NOBODY = 65534

_SIOCSIFFLAGS, _SIOCBRADDBR, _SIOCBRDELBR = 0x8914, 0x89A0, 0x89A1


def missing(reason: str) -> None:
    """Skip the test, or in CI fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def need(*binaries: str) -> None:
    """Skip (in CI fail) unless all of these programs are installed and this is root."""
    for binary in binaries:
        if shutil.which(binary) is None:
            missing(f"{binary} is not installed")
    if os.geteuid() != 0:
        missing("engines for tests run as root")


@contextmanager
def engine_directory() -> Iterator[Path]:
    """An empty directory with a short path (a socket's has at most 107 bytes), removed with all mounts beneath it."""
    directory = Path(tempfile.mkdtemp(prefix="slimml-engine-"))
    try:
        yield directory
    finally:
        _unmount_beneath(directory)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running_dockerd(directory: Path, *arguments: str, driver: str = "overlay2") -> Iterator[str]:
    """A dockerd with a network of its own; `arguments` are added to its command line.

    Told to use no bridge, it would delete docker0, which may be that of this machine's own Docker.
    """
    need("dockerd", "containerd", "runc")
    socket_path = f"{directory}/docker.sock"
    command = [
        "dockerd",
        f"--data-root={directory}/root",
        f"--exec-root={directory}/exec",
        f"--pidfile={directory}/pid",
        f"--host=unix://{socket_path}",
        f"--storage-driver={driver}",
        "--iptables=false",
        *arguments,
    ]
    with _bridge() as bridge, _running([*command, f"--bridge={bridge}"], f"API listen on {socket_path}"):
        yield socket_path


@contextmanager
def _bridge() -> Iterator[str]:
    """A bridge without an address (dockerd gives it one), by the calls of netdevice(7) and linux/sockios.h."""
    name = f"slimml{secrets.token_hex(4)}"
    raw = name.encode().ljust(16, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCBRADDBR, raw)
        try:
            yield name
        finally:
            fcntl.ioctl(control, _SIOCSIFFLAGS, raw + struct.pack("H22x", 0))  # one that is up cannot be deleted
            fcntl.ioctl(control, _SIOCBRDELBR, raw)


@contextmanager
def running_podman(directory: Path, driver: str = "overlay") -> Iterator[str]:
    """Podman's API service."""
    need("podman")
    socket_path = f"{directory}/podman.sock"
    command = [
        *podman_command(directory, driver),
        "--log-level=info",
        "system",
        "service",
        "--time=0",
        f"unix://{socket_path}",
    ]
    with _running(command, "API service listening"):
        yield socket_path


@contextmanager
def running_rootless_podman(directory: Path) -> Iterator[str]:
    """Podman's API service as a user who is nobody, without any network but loopback."""
    need("podman", "setpriv", "newuidmap")
    home = directory / "home"
    home.mkdir()
    directory.chmod(0o711)
    shutil.chown(home, _NOBODY, _NOBODY)
    socket_path = f"{home}/podman.sock"
    variables = [f"PATH={os.environ['PATH']}", f"HOME={home}", f"XDG_RUNTIME_DIR={home}"]
    user = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "env", "--ignore-environment"]
    options = ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", *podman_runtime(), "--log-level=info"]
    service = ["podman", *options, "system", "service", "--time=0", f"unix://{socket_path}"]
    with _running([*user, *variables, *service], "API service listening"):
        yield socket_path


def podman_runtime() -> list[str]:
    """crun before 1.9 runs nothing where control groups of both versions are mounted."""
    return ["--runtime=runc"] if shutil.which("runc") else []


def podman_command(directory: Path, driver: str = "overlay") -> list[str]:
    """The beginning of a podman command that works on the storage of `running_podman(directory)`."""
    places = [f"--root={directory}/root", f"--runroot={directory}/run"]
    return ["podman", *places, f"--storage-driver={driver}", *podman_runtime()]


@contextmanager
def running_containerd(directory: Path, root: Path | None = None) -> Iterator[str]:
    """A containerd that keeps its images in `root`; the path of its socket."""
    need("containerd", "ctr")
    socket_path = f"{directory}/containerd.sock"
    config = directory / "config.toml"
    config.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    command = [
        "containerd",
        f"--config={config}",
        f"--root={root or directory / 'root'}",
        f"--state={directory}/state",
        f"--address={socket_path}",
    ]
    with _running(command, "containerd successfully booted"):
        yield socket_path


@contextmanager
def _running(command: Sequence[str], ready: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    told: list[str] = []
    try:
        for line in process.stderr:
            told.append(line)
            if ready in line:
                break
        else:
            missing(f"{command[0]} does not run here: {' '.join(told[-3:])}")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _unmount_beneath(directory: Path) -> None:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        points = [line.split()[4] for line in mounts]
    for point in reversed(points):
        if point.startswith(f"{directory}/"):
            subprocess.run(["umount", "--lazy", point], check=False, stderr=subprocess.DEVNULL)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class EngineApi:
    """The Docker API at a socket, as little of it as tests need."""

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path
        self.url = f"unix://{socket_path}"

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "application/x-tar") -> bytes:
        """The answer's body; an AssertionError for a failure."""
        connection = _Connection(self.socket_path)
        try:
            connection.request(method, path, body, {"Content-Type": kind})
            response = connection.getresponse()
            found = response.read()
            assert response.status < 300, (method, path, response.status, found)
            assert b'"errorDetail"' not in found, found
            return found
        finally:
            connection.close()

    def image_id(self, name: str) -> str:
        """The ID that `name` has now."""
        return str(json.loads(self.call("GET", f"/images/{quote(name)}/json"))["Id"])

    def has(self, name: str) -> bool:
        """Whether there is such an image."""
        listed = json.loads(self.call("GET", "/images/json"))
        return any(name in (tag, tag.removeprefix("localhost/")) for image in listed for tag in image["RepoTags"] or ())

    def import_tar(self, name: str, tar: bytes) -> str:
        """An image of one layer, unpacked from `tar`; its ID."""
        repository, _, tag = name.partition(":")
        self.call("POST", f"/images/create?fromSrc=-&repo={repository}&tag={tag}", tar)
        return self.image_id(name)

    def build(self, name: str, dockerfile: str, files: Mapping[str, bytes]) -> str:
        """An image built by the classic builder; its ID."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as context:
            for path, content in {"Dockerfile": dockerfile.encode(), **files}.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode = len(content), 0o755
                context.addfile(member, io.BytesIO(content))
        self.call("POST", f"/build?t={quote(name)}&networkmode=none", out.getvalue())
        return self.image_id(name)

    def save(self, name: str) -> bytes:
        """The archive of `docker save`."""
        return self.call("GET", f"/images/{quote(name)}/get")

    def load(self, archive: bytes) -> None:
        """`docker load`."""
        self.call("POST", "/images/load", archive)

    def remove(self, name: str) -> None:
        """Remove the name, and the image when it has no other."""
        self.call("DELETE", f"/images/{quote(name)}?force=1")
