"""Known systems of plug-ins: files that a library loads by names that it makes up while it runs, or by listing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase


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


def is_plugin(path: str) -> bool:
    """Whether a file may be a plug-in of one of these systems, by its name or a directory that it lies in."""
    name = path.rpartition("/")[2]
    return any(
        f"/{pattern.removeprefix('../')[:-3]}/" in f"/{path}" if pattern.endswith("/**") else fnmatchcase(name, pattern)
        for pattern in _PATTERNS
    )


_PATTERNS = tuple(
    pattern if pattern.endswith("/**") else pattern.rpartition("/")[2]
    for system in SYSTEMS
    for pattern in system.plugins
)
