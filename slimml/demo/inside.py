"""A program inside another root file system: `python -m slimml.demo.inside`, which becomes that program.

Root changes its root directory and drops to the given user; anybody else first enters a user namespace
(user_namespaces(7)), where that is allowed. A kernel that does not let it ends the process with NOT_ALLOWED.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass

NOT_ALLOWED = 125
"""exit code: the kernel does not let us run it, which says nothing about the program"""
CANNOT_START = 127
"""exit code: the program is not there or cannot be executed"""
_CLONE_NEWUSER = 0x10000000


@dataclass(frozen=True)
class Program:
    """What to run: `root` is the directory, `socket` a descriptor that the program finds as its descriptor 3."""

    root: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    user: int
    group: int
    socket: int

    def command(self) -> list[str]:
        """The command line that runs it."""
        return [sys.executable, "-m", "slimml.demo.inside", json.dumps(asdict(self))]


def enter(program: Program) -> None:
    """Make the program's root and user ours; raises OSError where the kernel does not allow it."""
    privileged = os.geteuid() == 0
    if not privileged:
        _own_user_namespace()
    os.chroot(program.root)
    os.chdir(program.directory)
    # A user namespace of one user has nobody else to become.
    if privileged:
        os.setgroups([])
        os.setgid(program.group)
        os.setuid(program.user)


def become(program: Program) -> None:
    """Replace this process by the program; comes back only with an OSError."""
    if program.socket == 3:
        os.set_inheritable(3, True)
    else:
        os.dup2(program.socket, 3, inheritable=True)
    os.execve(program.argv[0], list(program.argv), program.environment | {"LISTEN_FDS": "1"})


def _own_user_namespace() -> None:
    """Become root of a new user namespace that knows nobody else."""
    user, group = os.geteuid(), os.getegid()
    if hasattr(os, "unshare"):  # Python 3.12
        os.unshare(_CLONE_NEWUSER)
    else:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        if library.unshare(_CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def main() -> int:
    """Run what the one argument describes."""
    program = Program(**json.loads(sys.argv[1]))
    code = NOT_ALLOWED
    try:
        enter(program)
        code = CANNOT_START
        become(program)
    except OSError as error:
        sys.stderr.write(f"{error.strerror or error}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
