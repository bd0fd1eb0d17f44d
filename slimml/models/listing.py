"""The models of a directory or an image: what each is, what is there twice, what is missing, what nobody names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from slimml.models.model_file import ExternalFile, Format, ModelFile

_SHARD: Final = re.compile(r"(?P<stem>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.(safetensors|bin)")
_SMALLEST_DUPLICATE: Final = 4096
"""bytes below which the same content twice is not worth a word"""


@dataclass(frozen=True)
class Passed:
    """A file that was looked at: its size in bytes, what its content hashes to (None where nobody asked), the model."""

    path: str
    size: int
    content: bytes | None
    model: ModelFile | None


@dataclass(frozen=True)
class Found:
    """A model, and the other files that belong to it. `bytes` are those of all of them."""

    path: str
    bytes: int
    model: ModelFile
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Duplicate:
    """Files of the same content, `bytes` each."""

    paths: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Missing:
    """A file that the model at `path` names, and that is not there, or is shorter than it should be."""

    path: str
    names: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """What models there are, by path, with what was noticed of them together.

    `orphans` are shards that no index names: nothing that goes by the index reads them.
    """

    models: tuple[Found, ...]
    duplicates: tuple[Duplicate, ...]
    missing: tuple[Missing, ...]
    orphans: tuple[str, ...]


def put_together(passed: Iterable[Passed], sizes: Mapping[str, int]) -> Listing:
    """The listing of files that were looked at. `sizes` are those of all files there are, by path in bytes.

    Paths are relative to one directory, which nothing that a model names leads out of.
    """
    files = sorted(passed, key=lambda one: one.path)
    models = [Found(one.path, one.size, _named(one.path, one.model)) for one in files if one.model is not None]
    missing: list[Missing] = []
    own = {one.path for one in models}
    others = {path: size for path, size in sizes.items() if path not in own}
    found = [_pipeline(one, others) if _is_pipeline(one, sizes) else _with_parts(one, sizes, missing) for one in models]
    parts = {part for one in found for part in one.parts}
    return Listing(
        tuple(found),
        tuple(_duplicates(one for one in files if one.model is not None or one.path in parts)),
        tuple(missing),
        tuple(_orphans(models)),
    )


def _named(path: str, model: ModelFile) -> ModelFile:
    """With the names of its external files: those of a TensorFlow index begin as its own."""
    if model.format is not Format.TF_VARIABLES:
        return model
    stem = posixpath.basename(path).removesuffix(".index")
    external = tuple(ExternalFile(stem + one.path, one.bytes) for one in model.external)
    return replace(model, external=external)


def _is_pipeline(one: Found, sizes: Mapping[str, int]) -> bool:
    """Whether it is the `meta.json` of a directory that spaCy wrote (`Language.to_disk`)."""
    above, name = posixpath.split(one.path)
    named = one.model.format is Format.SPACY and name == "meta.json"
    return named and any(posixpath.join(above, path) in sizes for path in ("config.cfg", "vocab/strings.json"))


def _pipeline(one: Found, others: Mapping[str, int]) -> Found:
    """With all of its directory, but for what is a model of its own."""
    above = posixpath.join(posixpath.dirname(one.path), "")
    parts = tuple(sorted(path for path in others if path.startswith(above)))
    return replace(one, parts=parts, bytes=one.bytes + sum(others[part] for part in parts))


def _with_parts(one: Found, sizes: Mapping[str, int], missing: list[Missing]) -> Found:
    directory = posixpath.dirname(one.path)
    there = []
    for external in one.model.external:
        path = posixpath.normpath(posixpath.join(directory, external.path))
        if external.path.startswith("/") or path.startswith("../") or path not in sizes:
            missing.append(Missing(one.path, external.path, "is not there"))
        elif sizes[path] < external.bytes:
            reason = f"has {sizes[path]:,} bytes, {external.bytes:,} are needed"
            missing.append(Missing(one.path, external.path, reason))
        else:
            there.append(path)
    if one.model.format is Format.SAFETENSORS_INDEX:
        return replace(one, parts=tuple(there))
    return replace(one, parts=tuple(there), bytes=one.bytes + sum(sizes[path] for path in there))


def _duplicates(files: Iterable[Passed]) -> Iterator[Duplicate]:
    alike: dict[tuple[int, bytes], list[str]] = {}
    for one in files:
        if one.content is not None and one.size >= _SMALLEST_DUPLICATE:
            alike.setdefault((one.size, one.content), []).append(one.path)
    found = [Duplicate(tuple(paths), size) for (size, _), paths in alike.items() if len(paths) > 1]
    yield from sorted(found, key=lambda one: (-one.bytes * (len(one.paths) - 1), one.paths))


def _orphans(models: list[Found]) -> Iterator[str]:
    """Shards, by their names, that no index in their directory names."""
    named = {
        posixpath.join(posixpath.dirname(one.path), external.path)
        for one in models
        if one.model.format is Format.SAFETENSORS_INDEX
        for external in one.model.external
    }
    for one in models:
        shard = _SHARD.fullmatch(posixpath.basename(one.path))
        if shard is not None and int(shard["count"]) > 1 and one.path not in named:
            yield one.path
