"""Model weights in the layer of sources or of packages: each change of those stores and pulls them again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.places import copies
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "weights-layer"
_WEIGHTS = re.compile(
    r"\.(safetensors|pt|pth|ckpt|bin|onnx|gguf|ggml|h5|keras|pb|tflite|joblib|pkl|npz|model|mar|engine)$"
)
_LARGE = 10_000_000
_FETCHES = re.compile(
    r"huggingface-cli download|\bhf download|snapshot_download|hf_hub_download|from_pretrained\("
    r"|(curl|wget)[^&;|]*\.(safetensors|pt|pth|ckpt|onnx|gguf|bin|h5)\b|spacy download|git lfs pull|dvc pull"
)


def _look(build: Build) -> Iterator[Finding]:
    stage = build.final
    for copied in copies(stage):
        if copied.everything:
            large = [path for path, size in build.context.sent.items() if size >= _LARGE and _WEIGHTS.search(path)]
            if large:
                told = ", ".join(sorted(large)[:3])
                message = f"{told} come with the sources: each change of those stores and pulls them again"
                yield Finding(_ID, copied.instruction.text_span, message)
    copied_before = False
    for one in stage.instructions:
        copied_before |= any(copied.instruction is one and copied.everything for copied in copies(stage))
        if one.name == "RUN" and _FETCHES.search(one.arguments.text):
            if copied_before:
                yield Finding(
                    _ID, one.text_span, "weights are fetched anew whenever a source changes: fetch them first"
                )
            elif "pip install" in one.arguments.text:
                yield Finding(_ID, one.text_span, "weights are in one layer with the packages")


RULE = Rule(
    _ID,
    "Weights share a layer with what changes",
    Risk.ASK,
    Severity.NOTE,
    "Weights are large and change seldom. In a stage of their own (FROM scratch AS weights, COPY "
    "model.safetensors /) and "
    "a COPY --from=weights before the sources they are stored and pulled once; name them in .dockerignore, or copy the "
    "sources by name, so that COPY . does not take them a second time. Which files are weights only the author knows.",
    "https://docs.docker.com/reference/dockerfile/#copy---link",
    _look,
    edits=False,
)
