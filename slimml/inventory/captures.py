"""Which contents are kept while a layer streams by: files that tell about other files."""

from __future__ import annotations

from slimml.oci.limits import MIB

_FILE_BYTES = 16 * MIB
_DATABASE_BYTES = 128 * MIB

DPKG = "var/lib/dpkg/"
_DATABASES = frozenset(
    f"{directory}/{name}"
    for directory in ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
    for name in ("rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages", "Packages.db")
)
_EXACT = frozenset(
    {
        "var/lib/dpkg/status",
        "var/lib/dpkg/diversions",
        "var/lib/apt/extended_states",
        "lib/apk/db/installed",
        "usr/lib/apk/db/installed",
        "etc/apk/world",
        "etc/os-release",
        "usr/lib/os-release",
    }
)
_DIST_INFO = frozenset(
    {"RECORD", "METADATA", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "entry_points.txt", "top_level.txt"}
)
_EGG_INFO = frozenset(
    {"PKG-INFO", "SOURCES.txt", "installed-files.txt", "top_level.txt", "requires.txt", "entry_points.txt"}
)
ENDS = frozenset(
    name[-4:]
    for name in (
        *_DATABASES,
        *_EXACT,
        *_DIST_INFO,
        *_EGG_INFO,
        *(".list", ".md5sums", ".conffiles", ".json", ".egg-info", ".egg-link", ".pth", "pyvenv.cfg"),
    )
)
"""The last four characters that the paths of wanted files have, but for those of dpkg"""


def wanted(path: str, size: int) -> bool:
    """Is the content of the file at `path` (relative to the root), of `size` bytes, to be kept?

    Kept are the databases of dpkg, apk, rpm and conda, the metadata of Python distributions (`.dist-info`, `.egg-info`,
    editable installs), `package.json` of installed npm packages, `os-release` and `pyvenv.cfg`; up to 16 MiB each,
    rpm's database up to 128 MiB.
    """
    # Asked for every file of an image, so that most must be answered by the end of the name alone.
    if path[-4:] not in ENDS and path[:13] != DPKG:
        return False
    if path in _DATABASES:
        return size <= _DATABASE_BYTES
    return size <= _FILE_BYTES and (path in _EXACT or _of_dpkg(path) or _by_name(path))


def _of_dpkg(path: str) -> bool:
    if path.startswith("var/lib/dpkg/info/"):
        return path.endswith((".list", ".md5sums", ".conffiles"))
    return path.startswith(("var/lib/dpkg/status.d/", "var/lib/dpkg/alternatives/"))


def _by_name(path: str) -> bool:
    above, _, name = path.rpartition("/")
    outer, _, directory = above.rpartition("/")
    if name == "package.json":
        scope = outer[outer.rfind("/") + 1 :]
        return (scope == "node_modules" and directory[:1] not in "@.") or (
            scope[:1] == "@" and outer.endswith(f"node_modules/{scope}")
        )
    if name in _DIST_INFO and directory.endswith(".dist-info"):
        return True
    if name in _EGG_INFO and (directory.endswith(".egg-info") or directory == "EGG-INFO"):
        return True
    if directory in ("site-packages", "dist-packages"):
        return name.endswith((".egg-info", ".egg-link")) or (name.startswith("__editable__") and name.endswith(".pth"))
    return name == "pyvenv.cfg" or (directory == "conda-meta" and name.endswith(".json"))
