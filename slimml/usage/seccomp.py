"""A seccomp profile of what was seen, in Docker's format (docs.docker.com/engine/security/seccomp), for Podman as well.

What is not listed fails with EPERM; calls that libraries know how to replace fail with ENOSYS, so that they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slimml.errors import Refused
from slimml.usage.base_syscalls import BASE, FAMILIES, NEWER

if TYPE_CHECKING:
    from slimml.usage.recording import Recording

_EPERM, _ENOSYS = 1, 38
_ARCHITECTURES = {
    "linux/amd64": ("SCMP_ARCH_X86_64", ("SCMP_ARCH_X86", "SCMP_ARCH_X32")),
    "linux/arm64": ("SCMP_ARCH_AARCH64", ("SCMP_ARCH_ARM",)),
}
_BASE = frozenset(name for names in BASE.values() for name in names)


def allowed(recording: Recording) -> frozenset[str]:
    """The calls seen, those that do the same in another way, and the base set."""
    found = _BASE.union(recording.syscalls)
    return found.union(*(family for family in FAMILIES if family & frozenset(recording.syscalls)))


def seccomp_profile(recording: Recording) -> dict[str, Any]:
    """The profile as a JSON object. Raises Refused where the recorder did not tell system calls."""
    if not recording.syscalls:
        named = ", ".join(seen.recorder for seen in recording.seen) or "no recorder"
        raise Refused(
            f"{recording.image}: a recording by {named} does not tell system calls, so that no seccomp profile can be "
            "made of it; record with --recorder strace"
        )
    names = allowed(recording)
    profile: dict[str, Any] = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": _EPERM}
    architecture = _ARCHITECTURES.get("/".join(recording.platform.split("/")[:2]))
    if architecture:
        main, others = architecture
        profile["archMap"] = [{"architecture": main, "subArchitectures": list(others)}]
    profile["syscalls"] = [{"names": sorted(names), "action": "SCMP_ACT_ALLOW"}]
    if newer := sorted(NEWER - names):
        profile["syscalls"].append({"names": newer, "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS})
    return profile
