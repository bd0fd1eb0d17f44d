"""Known systems of plug-ins: what a kept file loads by names that it makes up while it runs, or by listing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    from slimml.usage.closure.keeping import Keeping


@dataclass(frozen=True)
class System:
    """Where a file's path ends in something like `host`, the plug-ins are files like `plugins` beneath its directory.

    A pattern that begins with `../` is relative to the directory above; `**` stands for any depth.
    """

    name: str
    host: re.Pattern[str]
    plugins: tuple[str, ...]


def _system(name: str, host: str, *plugins: str) -> System:
    return System(name, re.compile(rf"(?:.*/)?{host}"), plugins)


SYSTEMS = (
    _system("cuDNN", r"libcudnn(?:_graph)?\.so[.\d]*", "libcudnn_*.so*"),
    _system("cuBLAS", r"libcublas\.so[.\d]*", "libcublasLt.so*"),
    _system("OpenBLAS", r"libopenblas[^/]*\.so[.\d]*", "libopenblas*.so*"),
    _system("MKL", r"libmkl_(?:rt|core)\.so[.\d]*", "libmkl_*.so*", "libiomp5.so"),
    _system("ONNX Runtime", r"(?:onnxruntime_pybind11_state|libonnxruntime)[^/]*\.so[.\d]*", "libonnxruntime_*.so*"),
    _system("OpenCV", r"cv2/cv2[^/]*\.so", "qt/**", "data/**", "gapi/**", "libopencv_*plugin*.so"),
    _system("OpenCV", r"libopencv_(?:core|videoio|highgui)\.so[.\d]*", "opencv*plugins/**", "libopencv_*plugin*.so"),
    _system("Qt", r"libQt[56](?:Core|Gui)[^/]*\.so[.\d]*", "qt[56]/plugins/**", "../plugins/**"),
    _system("Pillow", r"PIL/(?:Image\.py|_imaging\.[^/]*so)", "*ImagePlugin.py", "*Plugin.py", "_*.so"),
    _system("name service switch", r"libc(?:\.so\.6|-2\.\d+\.so)", "libnss_*.so*", "libresolv*.so*", "libgcc_s.so*"),
    _system("character sets", r"libc(?:\.so\.6|-2\.\d+\.so)", "gconv/**"),
    _system("locales", r"libc(?:\.so\.6|-2\.\d+\.so)", "locale/**", "../locale/**"),
    _system("OpenSSL", r"libcrypto\.so[.\d]*", "engines-*/**", "ossl-modules/**"),
    _system("libmagic", r"libmagic\.so[.\d]*", "../../share/misc/magic*", "../../share/file/**", "../file/**"),
    _system("GIO", r"libgio-2\.0\.so[.\d]*", "gio/modules/**"),
    _system("GdkPixbuf", r"libgdk_pixbuf-2\.0\.so[.\d]*", "gdk-pixbuf-2.0/**"),
    _system("fontconfig", r"libfontconfig\.so[.\d]*", "../../../etc/fonts/**", "../../share/fontconfig/**"),
    _system("SASL", r"libsasl2\.so[.\d]*", "sasl2/**"),
    _system("Kerberos", r"libkrb5\.so[.\d]*", "krb5/plugins/**"),
    _system("hwloc", r"libhwloc\.so[.\d]*", "hwloc/**"),
    _system("TBB", r"libtbb(?:malloc)?\.so[.\d]*", "libtbb*.so*"),
    _system("NCCL", r"libnccl\.so[.\d]*", "libnccl-*.so*"),
)


def keep_plugins(keeping: Keeping, row: int) -> None:
    """Keep the plug-ins of the kept `row`, if it is a system's host. Mesa's and VDPAU's drivers are in no list."""
    if keeping.depth is Depth.STRICT or keeping.is_directory[row]:
        return
    path = keeping.paths[row]
    name = path[path.rfind("/") + 1 :]
    if ".so" not in name and name != "Image.py":
        return
    for system in SYSTEMS:
        if system.host.fullmatch(path):
            for pattern in system.plugins:
                for found in _matching(keeping, path.rpartition("/")[0], pattern):
                    if found != row:
                        keeping.keep(found, f"a plug-in of {system.name}, which /{path} loads")


def _matching(keeping: Keeping, directory: str, pattern: str) -> list[int]:
    while pattern.startswith("../"):
        directory, pattern = directory.rpartition("/")[0], pattern[3:]
    place = keeping.root.resolve(directory)
    if pattern.endswith("/**"):
        return [
            row
            for found in _directories(keeping, place, pattern[:-3])
            for inner in keeping.root.beneath(found)
            if (row := keeping.live.get(inner)) is not None and not keeping.is_directory[row]
        ]
    outer, _, name = pattern.rpartition("/")
    return [
        row
        for found in (_directories(keeping, place, outer) if outer else [place])
        for row in keeping.below.get(found, ())
        if not keeping.is_directory[row] and fnmatchcase(keeping.paths[row].rpartition("/")[2], name)
    ]


def _directories(keeping: Keeping, place: str, pattern: str) -> list[str]:
    found = [place]
    for part in pattern.split("/"):
        found = [
            inner
            for directory in found
            for inner in keeping.directories.get(directory, ())
            if fnmatchcase(inner.rpartition("/")[2], part)
        ]
    return found
