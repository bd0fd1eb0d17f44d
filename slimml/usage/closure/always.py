"""What every container needs, used or not: users, name resolution, certificates, time zones, locales, a shell.

A recording of one day does not show them: another time zone, a TLS connection that happened to be none, `docker exec`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from slimml.inventory.owner import System
from slimml.usage.closure.python_names import STDLIB
from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    from slimml.usage.closure.keeping import Keeping

_IDENTITY = {
    "users and groups": ("etc/passwd", "etc/group"),
    "the loader's configuration": (
        "etc/ld.so.cache",
        "etc/ld.so.conf",
        "etc/ld.so.conf.d/*",
        "etc/ld.so.preload",
        "etc/ld-musl-*.path",
    ),
    "which distribution of Linux this is": ("etc/os-release", "usr/lib/os-release"),
}
"""Kept at every depth: engines read them before a container runs, the loader for every program"""

_ALWAYS = _IDENTITY | {
    "users and groups": ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/subuid", "etc/subgid"),
    "name resolution": (
        *("etc/nsswitch.conf", "etc/hosts", "etc/host.conf", "etc/hostname", "etc/resolv.conf", "etc/gai.conf"),
        *("etc/services", "etc/protocols", "etc/networks"),
    ),
    "certificates": (
        *("etc/ssl/*", "etc/pki/*", "etc/ca-certificates.conf", "etc/ca-certificates/*"),
        *("usr/share/ca-certificates/*", "usr/local/share/ca-certificates/*", "usr/lib/ssl/*", "usr/share/pki/*"),
    ),
    "time zones": ("etc/localtime", "etc/timezone", "usr/share/zoneinfo/*"),
    "locales": ("usr/lib/locale/*", "etc/locale.*", "etc/default/locale", "usr/share/locale/locale.alias"),
    "types of files": ("etc/mime.types",),
    "the shell's start": (
        *("etc/profile", "etc/profile.d/*", "etc/bash.bashrc", "etc/shells", "etc/environment", "etc/inputrc"),
        *("bin/sh", "usr/bin/sh", "usr/bin/env"),
    ),
    "which distribution of Linux this is": (
        *("etc/os-release", "usr/lib/os-release", "etc/debian_version", "etc/alpine-release", "etc/*-release"),
    ),
}
_RECORDS = (
    *("var/lib/dpkg/status", "var/lib/dpkg/arch", "var/lib/dpkg/diversions", "var/lib/dpkg/statoverride"),
    *("var/lib/dpkg/alternatives/*", "var/lib/dpkg/triggers/*", "var/lib/dpkg/info/format"),
    *("var/lib/apt/extended_states", "lib/apk/db/*", "usr/lib/apk/db/*", "etc/apk/*", "var/lib/rpm/*"),
    *("usr/lib/sysimage/rpm/*", "usr/share/rpm/*"),
)
_PACKAGES = {
    System.DPKG: (
        *("base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "debianutils", "findutils"),
        *("grep", "gzip"),
        *("hostname", "libc-bin", "media-types", "mime-support", "ncurses-base", "netbase", "sed", "tar", "tzdata"),
    ),
    System.APK: (
        *("alpine-baselayout", "alpine-baselayout-data", "alpine-release", "busybox", "busybox-binsh"),
        *("ca-certificates", "ca-certificates-bundle", "musl-utils", "tzdata", "wolfi-baselayout"),
    ),
    System.RPM: (
        *("bash", "basesystem", "ca-certificates", "coreutils", "coreutils-single", "filesystem", "glibc-common"),
        *(
            "glibc-minimal-langpack",
            "grep",
            "gzip",
            "mailcap",
            "ncurses-base",
            "sed",
            "setup",
            "tar",
            "tzdata",
            "which",
        ),
    ),
    System.PYTHON: ("tzdata",),
}
_FOR = "every container needs it: "


def keep_always(keeping: Keeping) -> None:
    """Keep what is kept whatever a recording says; at the strict depth what engines and the loader read."""
    strict = keeping.depth is Depth.STRICT
    for what, patterns in (_IDENTITY if strict else _ALWAYS).items():
        for row in _matching(keeping, patterns):
            keeping.keep(row, f"{_FOR}{what}")
    for row in _matching(keeping, _RECORDS):
        keeping.keep(row, "scanners and package managers read what is installed there")
    if strict:
        return
    for position, owner in enumerate(keeping.inventory.owners):
        named = owner.name.partition(":")[0] in _PACKAGES.get(owner.system, ())
        if named or (owner.system is System.RPM and owner.name.endswith("-release")):
            keeping.keep_owner(position, "which every container needs (users, certificates, time zones, a shell)")


def keep_environments(keeping: Keeping) -> None:
    """Keep what tells a kept interpreter of Python where its modules are.

    That is `pyvenv.cfg` of an environment (PEP 405), and in the standard library what an interpreter only looks for
    (Modules/getpath.py): `os.py` or its bytecode, and the directory `lib-dynload`.
    """
    for directory in [directory for directory in keeping.below if STDLIB.fullmatch(directory)]:
        if not any(
            keeping.why[row] for row in (*keeping.below[directory], *keeping.below.get(f"{directory}/encodings", ()))
        ):
            continue
        for name in ("os.py", "os.pyc", "lib-dynload"):
            row = keeping.live.get(f"{directory}/{name}")
            if row is not None:
                keeping.keep(row, f"by it an interpreter knows that /{directory} is its standard library")
    for path, row in keeping.live.items():
        if path.endswith("/pyvenv.cfg"):
            prefix = path[: -len("pyvenv.cfg")]
            binaries = keeping.below.get(f"{prefix}bin", ())
            if any(keeping.why[one] for one in binaries):
                keeping.keep(row, f"the environment of Python that /{prefix}bin belongs to")


def _matching(keeping: Keeping, patterns: tuple[str, ...]) -> Iterator[int]:
    for pattern in patterns:
        directory, _, name = pattern.rpartition("/")
        if "*" not in pattern:
            yield from keeping.way(pattern)
        elif name == "*":
            for path in keeping.root.beneath(directory):
                row = keeping.live.get(path)
                if row is not None and not keeping.is_directory[row]:
                    yield row
        else:
            for row in keeping.below.get(directory, ()):
                if fnmatchcase(keeping.paths[row], pattern):
                    yield from keeping.way(keeping.paths[row])
