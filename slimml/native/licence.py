"""May a library be changed and passed on? Told by the licence files that its distribution brings, else by its metadata.

Vendors of GPU libraries forbid changing their object code. Only a licence that is recognised as allowing it counts as
permissive; whatever is not recognised counts as forbidding. The texts win over the metadata: NCCL's metadata calls it
proprietary and its licence is a BSD one.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import policy
from email.parser import Parser
from enum import StrEnum
from pathlib import Path, PurePosixPath

_MOST_TEXT = 1 << 20
"""bytes of one licence file that are read"""
_FILE = re.compile(r"(licen[cs]e|copying|eula)s?([-._].*)?", re.IGNORECASE)
_DECORATION = re.compile(r"[\s*#/;]+")
_FORBIDDING = {
    "end user license agreement": "an end user licence agreement",
    "nvidia software development kits": "NVIDIA's SDK licence",
    "nvidia software license agreement": "NVIDIA's software licence",
    "you may not reverse engineer": "a licence that forbids reverse engineering",
    "you may not modify": "a licence that forbids modification",
}
_PERMITTING = {
    "redistribution and use in source and binary forms, with or without modification, are permitted": "BSD",
    "to deal in the software without restriction": "MIT",
    "apache license version 2.0": "Apache-2.0",
    "licensed under the apache license": "Apache-2.0",
    "permission to use, copy, modify, and distribute this software": "ISC",
    "permission to use, copy, modify, and/or distribute this software": "ISC",
    "permission is granted to anyone to use this software for any purpose": "Zlib",
    "boost software license": "BSL-1.0",
    "mozilla public license": "MPL",
    "python software foundation license": "PSF",
    "gnu lesser general public license": "LGPL",
    "gnu library general public license": "LGPL",
    "gnu general public license": "GPL",
}
_SPDX_PERMITTING = re.compile(
    r"(Apache|BSD|BSL|MIT|ISC|Zlib|MPL|PSF|LGPL|GPL|Unlicense|CC0)([-.0-9].*)?", re.IGNORECASE
)
_SPDX_WORDS = re.compile(r"[()\s]+|\bAND\b|\bOR\b|\bWITH\s+\S+", re.IGNORECASE)
_VENDOR = re.compile(
    r"lib(cublas|cudnn|cufft|cufile|cupti|curand|cusolver|cusparse|cudart|cudss|cutensor|nvblas|nvfatbin|nvinfer|nvjitlink"
    r"|nvjpeg|nvonnxparser|nvperf|nvptxcompiler|nvrtc|nvshmem|nvvm|npp[a-z]*|nvidia|checkpoint|pcsamplingutil|cuda[.-])",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """What a licence says of changed copies."""

    PERMISSIVE = "permissive"
    PROPRIETARY = "proprietary"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Licence:
    """`name` in words, `told_by` the file or field that tells it ("" for nothing)."""

    kind: Kind
    name: str
    told_by: str = ""

    @property
    def may_be_changed(self) -> bool:
        """Unknown counts as no."""
        return self.kind is Kind.PERMISSIVE


UNKNOWN = Licence(Kind.UNKNOWN, "no licence that is known")


def is_licence_file(path: str) -> bool:
    """Whether a path's name is that of a licence text."""
    return _FILE.fullmatch(PurePosixPath(path).name) is not None


def is_vendor_library(path: str) -> bool:
    """Whether a library is known to be NVIDIA's and not free, whatever distribution it is bundled with."""
    return _VENDOR.match(PurePosixPath(path).name) is not None


def recognise(texts: Mapping[str, str], metadata: str = "") -> Licence:
    """The licence of a distribution. `texts` are its licence files by path, `metadata` its METADATA.

    Of several texts those nearest to the top speak: what lies deeper are the licences of parts.
    """
    depth = min((len(PurePosixPath(path).parts) for path in texts), default=0)
    found = [_of_text(path, text) for path, text in sorted(texts.items()) if len(PurePosixPath(path).parts) == depth]
    for kind in (Kind.PROPRIETARY, Kind.PERMISSIVE):
        for licence in found:
            if licence.kind is kind:
                return licence
    return UNKNOWN if found else of_metadata(metadata)


def of_metadata(metadata: str) -> Licence:
    """What METADATA says of a distribution's licence: its expression, or its classifiers."""
    fields = Parser(policy=policy.compat32).parsestr(metadata, headersonly=True)
    classifiers = [value for value in fields.get_all("Classifier", []) if value.startswith("License ::")]
    if any("Proprietary" in value for value in classifiers):
        return Licence(Kind.PROPRIETARY, "a proprietary licence", "METADATA")
    expression = str(fields.get("License-Expression", ""))
    words = [word for word in _SPDX_WORDS.sub(" ", expression).split() if word]
    if words and all(_SPDX_PERMITTING.fullmatch(word) for word in words):
        return Licence(Kind.PERMISSIVE, expression, "METADATA")
    if words:
        return Licence(Kind.UNKNOWN, expression, "METADATA")
    for value in classifiers:
        if "OSI Approved" in value:
            return Licence(Kind.PERMISSIVE, value.rpartition("::")[2].strip(), "METADATA")
    return UNKNOWN


def of_library(path: str, distribution: Licence) -> Licence:
    """The licence of one library of a distribution: a vendor's stays the vendor's."""
    if distribution.may_be_changed and is_vendor_library(path):
        return Licence(Kind.PROPRIETARY, "NVIDIA's licence of its libraries", "the library's name")
    return distribution


def file_licences(directory: Path) -> dict[str, Licence]:
    """The licences of the files below a directory that a Python distribution's RECORD names, by path relative to it.

    Links are not followed. What no RECORD names is not in the result: unknown.
    """
    found: dict[str, Licence] = {}
    for info in _dist_infos(directory):
        site = info.parent.relative_to(directory)
        paths = [_below(PurePosixPath(site.as_posix()), row) for row in _record(info / "RECORD")]
        licence = _of_distribution(directory, info, [path for path in paths if path])
        found |= {path: of_library(path, licence) for path in paths if path}
    return found


def _of_text(path: str, text: str) -> Licence:
    plain = _DECORATION.sub(" ", text).lower()
    for kind, sentences in ((Kind.PROPRIETARY, _FORBIDDING), (Kind.PERMISSIVE, _PERMITTING)):
        for sentence, name in sentences.items():
            if _DECORATION.sub(" ", sentence) in plain:
                return Licence(kind, name, path)
    return Licence(Kind.UNKNOWN, UNKNOWN.name, path)


def _of_distribution(root: Path, info: Path, paths: list[str]) -> Licence:
    inside = info.relative_to(root).as_posix() + "/"
    licences = [path for path in paths if is_licence_file(path)]
    own = [path for path in licences if path.startswith(inside)]
    inner = root.resolve()
    texts = {path: _text(root / path) for path in own or licences if (root / path).resolve().is_relative_to(inner)}
    return recognise(texts, _text(info / "METADATA"))


def _dist_infos(directory: Path) -> Iterator[Path]:
    for place, directories, _ in os.walk(directory):
        for name in sorted(directories):
            if name.endswith(".dist-info"):
                yield Path(place) / name


def _record(path: Path) -> list[str]:
    return [row[0] for row in csv.reader(_text(path, most=64 * _MOST_TEXT).splitlines()) if row]


def _below(site: PurePosixPath, row: str) -> str:
    """A row of RECORD as a path relative to the directory, "" where it points out of it."""
    path = os.path.normpath(site / row)
    return "" if path.startswith(("..", "/")) else path


def _text(path: Path, most: int = _MOST_TEXT) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(most).decode("utf-8", "replace")
