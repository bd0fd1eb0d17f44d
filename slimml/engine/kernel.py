"""System calls that Python 3.11 does not offer: namespaces(7), mount(2), prctl(2).

The keeper imports this in a process of its own; nothing else of slimml may be imported here, so that it starts quickly.
"""

import ctypes
import os
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 4, 0x1000, 0x4000, 1 << 18
MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Leave the namespaces in `flags` for new ones; raises OSError."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "a new namespace")


def setns(descriptor: int, kind: int) -> None:
    """Enter the namespace behind a descriptor of /proc/PID/ns/…; raises OSError."""
    _checked(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "entering a namespace")


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """mount(2); raises OSError."""
    words = [os.fsencode(word) for word in (source, target, kind)]
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(data) or None), f"mounting {kind or source}")


def unmount(target: str) -> None:
    """umount2(2), lazily; raises OSError."""
    _checked(_libc.umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH)), "unmounting")


def adopt_orphans() -> None:
    """From now on, descendants whose parent ends become children of this process."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "becoming a subreaper")


def die_with_parent(signal: int) -> None:
    """Have the kernel send `signal` to this process when the thread that made it ends."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "following the parent")


def raise_loopback() -> None:
    """Bring up the loopback device of this network namespace (netdevice(7)); raises OSError."""
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        (flags,) = struct.unpack_from("h", fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0)), 16)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
