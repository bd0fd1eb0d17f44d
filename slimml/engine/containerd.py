"""Pulls by containerd, as a Kubernetes node makes them: by its client `ctr`, in a namespace of slimml's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from slimml.engine.container import EngineFacts
from slimml.engine.leftovers import abandoned
from slimml.errors import AccessDenied, InvalidImage, NotFound, SlimmlError, Unavailable, Unsupported
from slimml.oci.digest import parse_digest
from slimml.oci.places.registry.credentials import find_credential
from slimml.oci.places.registry.origin import is_loopback

if TYPE_CHECKING:
    from slimml.oci.digest import Digest
    from slimml.oci.reference import Name

ADDRESS = "/run/containerd/containerd.sock"
"""where containerd listens unless CONTAINERD_ADDRESS says otherwise, which `ctr` knows as well"""
_NAMESPACE = "slimml"
_AT_ONCE = 3
"""layers that the kubelet's containerd fetches at a time: `max_concurrent_downloads` of its CRI plug-in"""
_SECONDS = 1800


class ContainerdPuller:
    """Pulls into containerd, from plain HTTP where the registry is on this machine, or with `insecure` anywhere."""

    def __init__(self, *, insecure: bool = False) -> None:
        """Raises Unavailable where `ctr` or containerd is missing, AccessDenied where it is not for this user."""
        self.local = True
        self._insecure = insecure
        self._address = os.environ.get("CONTAINERD_ADDRESS") or ADDRESS
        if shutil.which("ctr") is None:
            raise Unavailable("containerd is asked through its client `ctr`, which is not on PATH; install containerd")
        if not os.path.exists(self._address):
            raise Unavailable(
                f"no containerd listens at {self._address}; start it, or say where it is in CONTAINERD_ADDRESS"
            )
        if not os.access(self._address, os.R_OK | os.W_OK):
            raise AccessDenied(f"{self._address}: this user may not speak to containerd; run slimml as root")
        self._version = self._ask("version")

    def facts(self) -> EngineFacts:
        """What it is."""
        server = self._version.partition("Server:")[2]
        versions = [line.split(":", 1)[1].strip() for line in server.splitlines() if "Version:" in line]
        snapshotter = os.environ.get("CONTAINERD_SNAPSHOTTER") or "overlayfs"
        return EngineFacts("containerd", next(iter(versions), "unknown"), snapshotter, rootless=False, runtime="")

    def pull(self, name: Name) -> None:
        """Fetch an image and unpack it; returns when it can be run.

        Raises Unsupported for a registry with a login, SlimmlError with containerd's words.
        """
        host = name.registry.rpartition(":")[0] or name.registry
        plain = ["--plain-http"] if self._insecure or is_loopback(host) else []
        if find_credential(name.registry, name.repository).credential is not None:
            raise Unsupported(
                f"{name.registry}: `ctr` takes a login on its command line alone, where others on this machine could "
                "read it; pull with Docker or Podman there, or from a registry without a login"
            )
        self._ask("images", "pull", *plain, f"--max-concurrent-downloads={_AT_ONCE}", str(name))

    def diff_ids(self, name: Name) -> tuple[Digest, ...]:
        """The layers of an image that was pulled; raises NotFound."""
        rows = [line.split() for line in self._ask("images", "ls", f"name=={name}").splitlines()[1:]]
        targets = [row[2] for row in rows if len(row) > 2 and row[0] == str(name)]
        if not targets:
            raise NotFound(f"containerd has no image {name}")
        try:
            manifest = json.loads(self._ask("content", "get", targets[0]))
            config = json.loads(self._ask("content", "get", manifest["config"]["digest"]))
            return tuple(parse_digest(one) for one in config["rootfs"]["diff_ids"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidImage(f"{name}: containerd holds no manifest of one platform for it") from error

    def remove(self, name: Name) -> None:
        """Remove the image with what only it needs; nothing happens when it is not there."""
        self._ask("images", "rm", "--sync", str(name))

    def sweep(self) -> tuple[str, ...]:
        """Remove the images that killed runs pulled; their names."""
        names = abandoned(self._ask("images", "ls", "--quiet").split())
        if names:
            self._ask("images", "rm", "--sync", *names)
        return tuple(names)

    def _ask(self, *words: str) -> str:
        """What `ctr` says; raises SlimmlError with its last line of complaint."""
        command = ["ctr", f"--address={self._address}", f"--namespace={_NAMESPACE}", *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"containerd at {self._address} has not answered within {_SECONDS} s") from error
        if done.returncode:
            why = next(iter(reversed(done.stderr.strip().splitlines())), f"exit code {done.returncode}")
            what = " ".join(words[:2])
            raise SlimmlError(f"containerd at {self._address} ({what}): {why}")
        return done.stdout
