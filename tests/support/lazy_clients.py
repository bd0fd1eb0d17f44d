"""Clients that pull an image, each with storage of its own: what they unpacked, seen as a directory."""

import json
import os
import subprocess
from contextlib import contextmanager

from engines import EngineApi, need, podman_command, running_containerd, running_dockerd
from seen_tree import tree_of

from slimml.oci.lazy.formats import OWN_NAMES

_LOGINS = ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG")


def run(*command, **more):
    """What a program says; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, (command, done.stderr[-2000:])
    return done.stdout + done.stderr


def umoci_tree(name, directory):
    """What skopeo copies and umoci unpacks; umoci 0.4 reads no zstd, which skopeo makes gzip of on the way."""
    need("skopeo", "umoci")
    run(
        "skopeo",
        "copy",
        "--src-tls-verify=false",
        "--dest-compress-format=gzip",
        f"docker://{name}",
        f"oci:{directory}/copied:tag",
    )
    run("umoci", "unpack", "--image", f"{directory}/copied:tag", f"{directory}/bundle")
    return tree_of(f"{directory}/bundle/rootfs", OWN_NAMES)


def dockerd_tree(name, directory):
    """What dockerd pulls, its layers mounted as it would mount them."""
    with running_dockerd(directory) as socket:
        api = EngineApi(socket)
        repository, _, tag = name.rpartition(":")
        api.call("POST", f"/images/create?fromImage={repository}&tag={tag}")
        layers = json.loads(api.call("GET", f"/images/{name}/json"))["GraphDriver"]["Data"]
        with mounted(directory, [layers["UpperDir"], *filter(None, layers.get("LowerDir", "").split(":"))]) as root:
            return tree_of(root, OWN_NAMES)


def containerd_tree(name, directory):
    """What containerd pulls."""
    with running_containerd(directory) as socket:
        control = ["ctr", "--address", socket]
        run(*control, "images", "pull", "--plain-http", name)
        root = directory / "mounted"
        root.mkdir()
        run(*control, "images", "mount", name, str(root))
        try:
            return tree_of(root, OWN_NAMES)
        finally:
            run("umount", str(root))


class Podman:
    """Podman with a storage of its own; `partial` lets it fetch parts of layers."""

    def __init__(self, directory, partial):
        need("podman")
        configuration = directory / "storage.conf"
        said = "true" if partial else "false"
        configuration.write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{directory}/run"\ngraphroot = "{directory}/root"\n'
            f'[storage.options]\npull_options = {{enable_partial_images = "{said}"}}\n'
        )
        self._command = podman_command(directory)
        # Podman wants the file of logins to be there, if a place for it is named.
        kept = {name: value for name, value in os.environ.items() if name not in _LOGINS}
        self._environment = {**kept, "CONTAINERS_STORAGE_CONF": str(configuration)}

    def __call__(self, *words):
        return run(*self._command, *words, env=self._environment)

    def pull(self, name):
        """Pull; what podman says of how it did that."""
        return self("--log-level=debug", "pull", "--tls-verify=false", name)

    def tree(self, name):
        """The files of an image that was pulled."""
        root = self("image", "mount", name).split("\n")[0]
        try:
            return tree_of(root, OWN_NAMES)
        finally:
            self("image", "unmount", name)


def podman_tree(name, directory):
    """What podman pulls whole."""
    podman = Podman(directory, partial=False)
    podman.pull(name)
    return podman.tree(name)


@contextmanager
def mounted(directory, layers):
    """The layers on top of each other, the uppermost first."""
    root = directory / "seen"
    root.mkdir()
    run("mount", "-t", "overlay", "overlay", "-o", f"ro,lowerdir={':'.join(layers)}", str(root))
    try:
        yield root
    finally:
        run("umount", str(root))
