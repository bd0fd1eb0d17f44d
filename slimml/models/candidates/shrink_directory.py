"""The model files of a directory, one after another: the best form of each, and a copy of the directory with them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from slimml.errors import NotFound, Refused
from slimml.models.candidates.candidate import Candidate
from slimml.models.candidates.recipe import recipes
from slimml.models.candidates.scene import Scene
from slimml.models.candidates.shrink_file import FileResult, Options, shrink_file
from slimml.models.candidates.walk import Found, digest_of, models_of
from slimml.oci.beneath import directory
from slimml.oci.beside import BesideDirectory
from slimml.oci.work_place import work_place
from slimml.progress import SILENT, Progress

LINKED_FROM = 1 << 12
"""bytes; smaller equal files are left as they are"""
_INDEX = ".safetensors.index.json"


@dataclass(frozen=True)
class LeftFile:
    """A model that stays as it is: `path` relative to the directory, and why."""

    path: str
    format: str
    bytes: int
    reason: str


@dataclass(frozen=True)
class Linked:
    """A file with the content of another, to which it becomes a hard link; both relative to the directory."""

    path: str
    first: str
    bytes: int


@dataclass(frozen=True)
class Result:
    """What became of a directory, or of one file; `before` and `after` are bytes of all its models."""

    files: tuple[FileResult, ...]
    left: tuple[LeftFile, ...]
    linked: tuple[Linked, ...]

    @property
    def before(self) -> int:
        """Bytes of the models as they were, with the weights beside them."""
        return (
            sum(_bytes(one.original) for one in self.files)
            + sum(one.bytes for one in self.left)
            + sum(one.bytes for one in self.linked)
        )

    @property
    def after(self) -> int:
        """Bytes of the models as they are now."""
        return sum(_bytes(one.best) for one in self.files) + sum(one.bytes for one in self.left)


def shrink(
    source: Path, target: Path | None, options: Options, evaluation: str = "", progress: Progress = SILENT
) -> Result:
    """Shrink the models in `source`, a directory or one file, into the new `target`; None only looks and measures.

    `evaluation` is a command that tells a metric (`guard.evaluate`) of the directory in which one model after another
    has its best form; the bar is that of the directory as it was. Raises NotFound, Refused where `target` exists,
    UsageError for an evaluation that fails on the original.
    """
    if not source.exists():
        raise NotFound(f"{source} does not exist")
    if target is not None and (target.exists() or target.is_symlink()):
        raise Refused(f"{target} exists; name a new one with --output")
    with tempfile.TemporaryDirectory(dir=work_place(), prefix="models-") as place:
        scene = Scene(source, Path(place) / "scene", evaluation) if evaluation else None
        result = _each(source, Path(place), options, scene, progress)
        if target is not None:
            _write(source, target, result)
    return result


def _each(source: Path, place: Path, options: Options, scene: Scene | None, progress: Progress) -> Result:
    root = source if source.is_dir() else source.parent
    files: list[FileResult] = []
    left: list[LeftFile] = []
    linked: list[Linked] = []
    seen: dict[tuple[int, str], str] = {}
    with progress.task("models") as task:
        for number, found in enumerate(models_of(source)):
            name = str(found.path.relative_to(root))
            key = found.bytes, digest_of(found.path)
            if key in seen and found.bytes >= LINKED_FROM:
                linked.append(Linked(name, seen[key], found.bytes))
                continue
            seen[key] = name
            task.advance(found.bytes)
            reason = _reason(found, options)
            if reason or found.format is None:
                left.append(LeftFile(name, str(found.format or ""), found.bytes, reason))
                continue
            own = place / f"{number:05}"
            own.mkdir()
            if scene is not None:
                options = replace(options, evaluate=partial(scene.evaluate, found.path))
            files.append(shrink_file(found.path, found.format, own, options))
            if scene is not None and files[-1].taken:
                scene.take(found.path, list(files[-1].files))
    return Result(tuple(files), tuple(left), tuple(linked))


def _reason(found: Found, options: Options) -> str:
    if found.format is None:
        return found.damage
    if not recipes(found.format, options.upto, samples=bool(options.samples), asked=options.asked):
        return f"of {found.format} nothing is known to be too much at this tier"
    return ""


def _write(source: Path, target: Path, result: Result) -> None:
    """Copy `source` beside `target` with the best forms in it, then give it its name."""
    parent = target.absolute().parent
    with directory(str(parent)) as root, BesideDirectory(root, str(target)) as made:
        place = parent / made.name
        if not source.is_dir():
            _write_one(source, place, result)
            for path in sorted(place.iterdir(), key=lambda path: path.name == source.name):
                os.rename(path, target if path.name == source.name else parent / path.name)
            return
        shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
        shutil.copymode(source, place)
        for one in result.files:
            _replace(one, place / one.path.relative_to(source))
        for same in result.linked:
            (place / same.path).unlink()
            os.link(place / same.first, place / same.path)
        _correct_indexes(place)
        if not made.publish(target.name):
            raise Refused(f"{target} exists; name a new one with --output")


def _write_one(source: Path, place: Path, result: Result) -> None:
    if result.files:
        for file in result.files[0].files or (source,):
            shutil.copyfile(file, place / file.name)
    else:
        shutil.copyfile(source, place / source.name)
    shutil.copymode(source, place / source.name)


def _replace(one: FileResult, path: Path) -> None:
    if not one.taken:
        return
    for file in one.files:
        written = path.parent / file.name
        shutil.copyfile(file, written)
        shutil.copymode(one.path, written)


def _correct_indexes(place: Path) -> None:
    """An index of shards tells the bytes of all their tensors."""
    for index in sorted(place.rglob(f"*{_INDEX}")):
        try:
            document = json.loads(index.read_bytes())
            shards = set(document["weight_map"].values())
            total = sum(_tensor_bytes(index.parent / Path(name).name) for name in shards)
            if document["metadata"]["total_size"] == total:
                continue
            document["metadata"]["total_size"] = total
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        index.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", "utf-8")


def _tensor_bytes(shard: Path) -> int:
    with shard.open("rb") as stream:
        return shard.stat().st_size - 8 - int.from_bytes(stream.read(8), "little")


def _bytes(one: Candidate) -> int:
    return one.measured.bytes if one.measured is not None else 0
