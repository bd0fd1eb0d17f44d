"""A program started by the keeper, in a session of its own, which dies when the keeper does."""

import os
import signal
import struct
from typing import Any

from slimml.engine import kernel

_ERRNO = struct.Struct("i")


def spawn(request: dict[str, Any], descriptors: list[int]) -> int:
    """Start `argv`; its process ID. `descriptors` become its standard streams, missing ones /dev/null.

    Optional: `environment` (all of it), `root` to change the root to, `directory`, `user`, `group`, `groups`, `limits`
    (RLIMIT_ number and value, in pairs), `join` (files that take a process into a control group). Raises OSError when
    it cannot be started.
    """
    told, tell = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            _become(request, descriptors)
        except OSError as error:
            os.write(tell, _ERRNO.pack(error.errno or 1))
        finally:
            os._exit(127)
    os.close(tell)
    failed = os.read(told, _ERRNO.size)
    os.close(told)
    if failed:
        os.waitpid(pid, 0)
        (code,) = _ERRNO.unpack(failed)
        raise OSError(code, os.strerror(code))
    return pid


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    signal.set_wakeup_fd(-1)
    for name in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(name, signal.SIG_DFL)
    os.setsid()
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    # None of the sources may be overwritten before it was used.
    sources = [os.dup(descriptor) for descriptor in (*descriptors, nothing, nothing, nothing)[:3]]
    for target, source in enumerate(sources):
        os.dup2(source, target, inheritable=True)
    for kind, most in request.get("limits", ()):
        import resource

        resource.setrlimit(kind, (most, most))
    for path in request.get("join", ()):
        with open(path, "w", encoding="ascii") as file:
            file.write("0")
    if request.get("root"):
        os.chroot(request["root"])
    os.chdir(request.get("directory") or "/")
    if request.get("group") is not None:
        os.setgroups(request.get("groups", []))
        os.setgid(request["group"])
        os.setuid(request["user"])
    # Changing the user takes this back, so it comes after.
    kernel.die_with_parent(signal.SIGKILL)
    environment = request.get("environment", dict(os.environ))
    os.execvpe(request["argv"][0], request["argv"], environment)
