"""A writable layer over a directory that stays as it is (Documentation/filesystems/overlayfs.rst)."""

import os
from contextlib import ExitStack

from slimml.engine import kernel


def lay_over(lower: str, directory: str, *, user: bool) -> str:
    """Mount `directory`/merged: `lower` with a layer for changes over it, in `directory` or else in memory.

    `user` is for a user namespace, where attributes of overlays have other names. Returns overlay, memory, or none
    where the kernel allows neither. Mounts of the current mount namespace only.
    """
    merged = f"{directory}/merged"
    os.makedirs(merged, exist_ok=True)
    layer = f"{directory}/layer"
    os.makedirs(layer, exist_ok=True)
    options = ",userxattr" if user else ""
    if _mounted(lower, layer, merged, options):
        return "overlay"
    # The directory may lie on an overlay itself (slimml in a container), which cannot be the upper of another.
    try:
        kernel.mount("tmpfs", layer, "tmpfs", kernel.MS_NODEV, "mode=0755")
    except OSError:
        return "none"
    if _mounted(lower, layer, merged, options):
        return "memory"
    kernel.unmount(layer)
    return "none"


def _mounted(lower: str, layer: str, merged: str, options: str) -> bool:
    with ExitStack() as opened:
        # By descriptor, since a colon or comma in a path would be read as the end of an option.
        places = {}
        for name, path in (("lowerdir", lower), ("upperdir", f"{layer}/upper"), ("workdir", f"{layer}/work")):
            if name != "lowerdir":
                os.makedirs(path, exist_ok=True)
            descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(os.close, descriptor)
            places[name] = f"/proc/self/fd/{descriptor}"
        # The root of the container has the mode and owner of the upper directory.
        state = os.stat(lower)
        upper = f"{layer}/upper"
        try:
            os.chown(upper, state.st_uid, state.st_gid)
            os.chmod(upper, state.st_mode & 0o7777)
            kernel.mount("overlay", merged, "overlay", 0, ",".join(f"{k}={v}" for k, v in places.items()) + options)
        except OSError:
            return False
    return True
