"""The models of a directory or an image, and one model file in full, for a person or a program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.sizes import counted, number, share, size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.models.listing import Listing
    from slimml.models.model_file import ModelFile

_SHOWN_MODELS = 40
_SHOWN_TENSORS = 40


@dataclass(frozen=True)
class LeftoverReport:
    """A part that only training needs; `bytes` of arrays."""

    name: str
    bytes: int
    what: str


@dataclass(frozen=True)
class ExternalReport:
    """A file that the model needs beside it, and how many bytes of it; 0 where it does not say."""

    path: str
    bytes: int


@dataclass(frozen=True)
class ModelReport:
    """A model. `size` is its file's, `bytes` counts the `parts` that belong to it, too.

    `would_run` are names that loading would run and that no model has need of; `would_import` other names that are not
    known to be harmless. `unread` says what could not be read; "" when all was.
    """

    path: str
    format: str
    size: int
    bytes: int
    parameters: int | None
    bytes_by_dtype: dict[str, int]
    tensors: int
    optimizer_bytes: int
    leftovers: tuple[LeftoverReport, ...]
    external: tuple[ExternalReport, ...]
    would_run: tuple[str, ...]
    would_import: tuple[str, ...]
    remarks: tuple[str, ...]
    unread: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class TensorReport:
    """A stored array, as `slimml.models.model_file.Tensor`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    offset: int | None
    file: str


@dataclass(frozen=True)
class DuplicateReport:
    """Files of the same content, `bytes` each."""

    paths: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class MissingReport:
    """What the model at `path` names, and why it is not of use."""

    path: str
    names: str
    reason: str


@dataclass(frozen=True)
class ModelsReport:
    """All models of `place`, the largest first; `bytes` are of all of them, duplicates counted."""

    place: str
    bytes: int
    models: tuple[ModelReport, ...]
    duplicates: tuple[DuplicateReport, ...]
    missing: tuple[MissingReport, ...]
    orphans: tuple[str, ...]


def model_report(path: str, model: ModelFile, whole: int | None = None, parts: tuple[str, ...] = ()) -> ModelReport:
    """One model as plain values; `whole` are the bytes of it and its parts."""
    return ModelReport(
        path=path,
        format=model.format.value,
        size=model.size,
        bytes=model.size if whole is None else whole,
        parameters=model.parameters,
        bytes_by_dtype={dtype: model.bytes_by_dtype[dtype] for dtype in model.dtypes},
        tensors=len(model.tensors),
        optimizer_bytes=model.optimizer_bytes,
        leftovers=tuple(LeftoverReport(one.name, one.bytes, one.what) for one in model.leftovers),
        external=tuple(ExternalReport(one.path, one.bytes) for one in model.external),
        would_run=tuple(str(call) for call in model.dangers),
        would_import=tuple(str(call) for call in model.calls if not call.dangerous),
        remarks=model.remarks,
        unread=model.unread,
        parts=parts,
    )


def tensor_reports(model: ModelFile) -> tuple[TensorReport, ...]:
    """Its tensors as plain values."""
    return tuple(TensorReport(one.name, one.dtype, one.shape, one.bytes, one.offset, one.file) for one in model.tensors)


def models_report(place: str, listing: Listing) -> ModelsReport:
    """A listing as plain values."""
    models = [model_report(one.path, one.model, one.bytes, one.parts) for one in listing.models]
    return ModelsReport(
        place=place,
        bytes=sum(one.bytes for one in models),
        models=tuple(sorted(models, key=lambda one: (-one.bytes, one.path))),
        duplicates=tuple(DuplicateReport(one.paths, one.bytes) for one in listing.duplicates),
        missing=tuple(MissingReport(one.path, one.names, one.reason) for one in listing.missing),
        orphans=listing.orphans,
    )


def render_models(report: ModelsReport, console: Console) -> None:
    """Print a line per model (bytes, format, parameters, dtypes, path), and what was noticed."""
    widths = [max((len(one.format) for one in report.models[:_SHOWN_MODELS]), default=0)]
    widths += [max((len(_dtypes(one)) for one in report.models[:_SHOWN_MODELS]), default=0)]
    for one in report.models[:_SHOWN_MODELS]:
        count = "" if one.parameters is None else number(one.parameters)
        told = f"{size(one.bytes):>9}  {one.format:<{widths[0]}}  {count:>13}  {_dtypes(one):<{widths[1]}}  {one.path}"
        console.print(visible(told), soft_wrap=True)
    if len(report.models) > _SHOWN_MODELS:
        more = counted(len(report.models) - _SHOWN_MODELS, "smaller model")
        console.print(f"… and {more} (--json lists them)", style="dim")
    for one in report.models:
        for words, style in _noticed(one):
            console.print(visible(f"{one.path}: {words}"), style=style, soft_wrap=True)
    for twice in report.duplicates:
        words = f"{counted(len(twice.paths), 'time')} the same {size(twice.bytes)}: {', '.join(twice.paths)}"
        console.print(visible(words), soft_wrap=True)
    for missing in report.missing:
        words = f"{missing.path}: names {missing.names}, which {missing.reason}"
        console.print(visible(words), style="red", soft_wrap=True)
    for path in report.orphans:
        console.print(visible(f"{path}: a shard that no index names"), soft_wrap=True)
    console.print(f"{counted(len(report.models), 'model')}, {size(report.bytes)}, in {visible(report.place)}")


def render_model(report: ModelReport, tensors: tuple[TensorReport, ...], console: Console) -> None:
    """Print all that is known of one model; of its tensors the first."""
    from rich.table import Table

    console.print(visible(report.path), style="bold", soft_wrap=True)
    count = "" if report.parameters is None else f", {counted(report.parameters, 'parameter')}"
    console.print(f"{report.format}, {size(report.size)}{count}")
    for dtype, taken in report.bytes_by_dtype.items():
        console.print(f"  {dtype:<8} {size(taken):>9}  {share(taken, report.size)} of the file")
    for words, style in _noticed(report):
        console.print(visible(words), style=style, soft_wrap=True)
    for remark in report.remarks:
        console.print(visible(remark), style="dim", soft_wrap=True)
    for external in report.external:
        needed = f", {size(external.bytes)} of it" if external.bytes else ""
        console.print(visible(f"needs {external.path}{needed}"), soft_wrap=True)
    if report.would_import:
        console.print(visible(f"loading imports {', '.join(report.would_import)}"), style="dim", soft_wrap=True)
    if not tensors:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("tensor", overflow="fold")
    table.add_column("dtype")
    table.add_column("shape")
    table.add_column("bytes", justify="right")
    for one in tensors[:_SHOWN_TENSORS]:
        table.add_row(visible(one.name), one.dtype, "×".join(map(str, one.shape)) or "scalar", size(one.bytes))
    console.print(table)
    if len(tensors) > _SHOWN_TENSORS:
        console.print(f"… and {counted(len(tensors) - _SHOWN_TENSORS, 'more tensor')} (--json lists them)", style="dim")


def _dtypes(one: ModelReport) -> str:
    """The dtypes that take most bytes."""
    return " ".join(list(one.bytes_by_dtype)[:3])


def _noticed(one: ModelReport) -> Iterable[tuple[str, str]]:
    """What a person should know of a model, and in what style."""
    if one.would_run:
        yield f"would run {', '.join(one.would_run)} when loaded", "bold red"
    if one.unread:
        yield f"could not be read: {one.unread}", "red"
    for leftover in one.leftovers:
        part = share(leftover.bytes, one.bytes)
        yield f"{leftover.what} in {leftover.name}: {size(leftover.bytes)}, {part} of the model", "yellow"
