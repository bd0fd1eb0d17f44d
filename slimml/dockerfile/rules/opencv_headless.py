"""OpenCV with windows and Qt in an image that has no screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert
from slimml.dockerfile.installs import pip_installs
from slimml.dockerfile.packages import distribution_of
from slimml.dockerfile.requirements import files_of, installed
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.stages import Stage

_ID = "opencv-headless"
_SAVES = 60_000_000
"""Qt and its plugins; Mesa and LLVM, which libgl1 brings, come to 200 MB more"""
_WINDOWS = re.compile(r"cv2\.(imshow|namedWindow|waitKey|createTrackbar|selectROI|setMouseCallback)|\bcv\.imshow")
_NAMES = re.compile(r"(opencv-(contrib-)?python)(?!-headless)", re.IGNORECASE)
_REQUIRE_IT = frozenset(
    {
        "rapidocr-onnxruntime",
        "rapidocr-openvino",
        "mmcv",
        "mmcv-full",
        "mmdet",
        "paddleocr",
        "supervision",
        "ultralytics",
    }
    | {"insightface", "deepface", "mtcnn", "imgaug", "kornia-moons", "detectron2"}
)
"""Distributions that require opencv-python by that name: it would come in addition."""


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for run, script in build.scripts(stage):
            for install in pip_installs(script):
                for file in files_of(build, stage, run, install):
                    for name in file.distributions if file else ():
                        if _NAMES.fullmatch(name):
                            yield Finding(_ID, install.command.span, f"{file and file.path} asks for {name}",
                                          kept="requirements files are their author's: say opencv-python-headless "
                                          "there, if nothing opens a window")  # fmt: skip
                for word in install.named:
                    found = _NAMES.match(word.text)
                    if found and _NAMES.fullmatch(distribution_of(word.text)):
                        message = f"{found[0]} brings Qt and needs Mesa, for windows that nobody sees"
                        kept = _kept(build, stage)
                        edits = () if kept else (insert(word.span.start + _quote(word.span.of(build.document.data))
                                                        + len(found[0]), "-headless"),)  # fmt: skip
                        yield Finding(_ID, word.span, message, edits, _SAVES, kept=kept)


def _quote(raw: bytes) -> int:
    return int(raw[:1] in (b"'", b'"'))


def _kept(build: Build, stage: Stage) -> str:
    others = sorted({name for name, _ in installed(build, stage)} & _REQUIRE_IT)
    if others:
        return f"{', '.join(others)} would install opencv-python beside it"
    if not build.context.known:
        return "without the build context nobody can see whether a window is opened"
    mentioned = build.context.mentions(_WINDOWS, tests=True)
    return f"{mentioned} opens a window" if mentioned else ""


RULE = Rule(
    _ID,
    "OpenCV with a graphical interface",
    Risk.LIKELY,
    Severity.NOTE,
    "opencv-python-headless has the same functions but those that open windows, and needs no libGL.",
    "https://github.com/opencv/opencv-python#installation-and-usage",
    _look,
)
