"""System calls that name paths: their numbers, which arguments are paths, and what the call does to them.

Imported by processes that have to start quickly: nothing else of slimml may be imported here.
"""

import platform
from typing import NamedTuple

OPEN, EXEC, LIST, STAT, READLINK, WRITE = 1, 2, 4, 8, 16, 32
AT_EMPTY_PATH = 0x1000


class Call(NamedTuple):
    """One call. `numbers` are those of x86-64 and of AArch64 (None: it has none there).

    `places` are pairs of arguments: the descriptor that a relative path starts from (None: the current directory), and
    the path. `operations` are what it does; `flags` is the argument that says whether an opening writes.
    """

    numbers: tuple[int | None, int | None]
    places: tuple[tuple[int | None, int], ...]
    operations: int
    flags: int | None = None


_PATH = ((None, 0),)
_AT = ((0, 1),)

CALLS = {
    "open": Call((2, None), _PATH, OPEN, flags=1),
    "openat": Call((257, 56), _AT, OPEN, flags=2),
    "openat2": Call((437, 437), _AT, OPEN, flags=2),
    "creat": Call((85, None), _PATH, OPEN | WRITE),
    "execve": Call((59, 221), _PATH, OPEN | EXEC),
    "execveat": Call((322, 281), _AT, OPEN | EXEC),
    "stat": Call((4, None), _PATH, STAT),
    "lstat": Call((6, None), _PATH, STAT | READLINK),
    "newfstatat": Call((262, 79), _AT, STAT),
    "statx": Call((332, 291), _AT, STAT),
    "statfs": Call((137, 43), _PATH, STAT),
    "access": Call((21, None), _PATH, STAT),
    "faccessat": Call((269, 48), _AT, STAT),
    "faccessat2": Call((439, 439), _AT, STAT),
    "chdir": Call((80, 49), _PATH, STAT),
    "getxattr": Call((191, 8), _PATH, STAT),
    "lgetxattr": Call((192, 9), _PATH, STAT | READLINK),
    "listxattr": Call((194, 11), _PATH, STAT),
    "llistxattr": Call((195, 12), _PATH, STAT | READLINK),
    "inotify_add_watch": Call((254, 27), ((None, 1),), STAT),
    "readlink": Call((89, None), _PATH, READLINK),
    "readlinkat": Call((267, 78), _AT, READLINK),
    "truncate": Call((76, 45), _PATH, WRITE),
    "rename": Call((82, None), ((None, 0), (None, 1)), WRITE),
    "renameat": Call((264, 38), ((0, 1), (2, 3)), WRITE),
    "renameat2": Call((316, 276), ((0, 1), (2, 3)), WRITE),
    "mkdir": Call((83, None), _PATH, WRITE),
    "mkdirat": Call((258, 34), _AT, WRITE),
    "mknod": Call((133, None), _PATH, WRITE),
    "mknodat": Call((259, 33), _AT, WRITE),
    "rmdir": Call((84, None), _PATH, WRITE),
    "unlink": Call((87, None), _PATH, WRITE),
    "unlinkat": Call((263, 35), _AT, WRITE),
    "link": Call((86, None), ((None, 1),), WRITE),
    "linkat": Call((265, 37), ((2, 3),), WRITE),
    "symlink": Call((88, None), ((None, 1),), WRITE),
    "symlinkat": Call((266, 36), ((1, 2),), WRITE),
    "chmod": Call((90, None), _PATH, WRITE),
    "fchmodat": Call((268, 53), _AT, WRITE),
    "chown": Call((92, None), _PATH, WRITE),
    "lchown": Call((94, None), _PATH, WRITE),
    "fchownat": Call((260, 54), _AT, WRITE),
    "utime": Call((132, None), _PATH, WRITE),
    "utimes": Call((235, None), _PATH, WRITE),
    "futimesat": Call((261, None), _AT, WRITE),
    "utimensat": Call((280, 88), _AT, WRITE),
}
"""by name; as in arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux"""

EMPTY_PATH_FLAGS = {"newfstatat": 3, "statx": 2}
"""calls that, with AT_EMPTY_PATH in this argument, are about an open descriptor: by far the most of them"""
OUTSIDE = ("proc/", "sys/", "dev/")
"""what no image brings"""
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""position in `Call.numbers`, and the kernel's name of the architecture (linux/audit.h)"""


def known_machine() -> tuple[int, int] | None:
    """This machine's position in `Call.numbers` and its AUDIT_ARCH; None where numbers are not known."""
    return _MACHINES.get(platform.machine())


def opening(operations: int, flags: int) -> int:
    """What an opening with these flags (open(2)) does, besides `operations`; 0 when it opens nothing (O_PATH)."""
    access, creating, truncating, path_only = flags & 0o3, flags & 0o100, flags & 0o1000, flags & 0o10000000
    if path_only:
        return STAT
    return operations | (WRITE if access or creating or truncating else 0)


def absolute(base: str, path: str) -> str:
    """`path` from the directory `base` on, without the first slash; `..` is left to whoever knows the links."""
    joined = path if path.startswith("/") else f"{base}/{path}"
    return "/".join(part for part in joined.split("/") if part not in ("", "."))
