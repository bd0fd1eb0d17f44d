"""The analysis of an image as values: what is in it, whose it is, what could go. Renderers show it; none computes."""

from __future__ import annotations

from dataclasses import dataclass

from slimml.bloat.finding import Action, Risk
from slimml.bloat.part import Part
from slimml.bloat.score import Efficiency


@dataclass(frozen=True)
class Amount:
    """Some of the image. `files` counts entries that are no directories, live or not; bytes as in ImageFacts."""

    files: int
    disk_bytes: int
    compressed_bytes: int


@dataclass(frozen=True)
class ImageFacts:
    """`disk_bytes` is the content of all layers, as engines count; `compressed_bytes` all blobs, as registries count.

    `compressed_estimated` says that some blob's size was estimated, as no blob was read. `files` are entries of all
    layers that are no directories, `live_files` those that a container sees.
    """

    reference: str
    digest: str
    platform: str
    layers: int
    files: int
    live_files: int
    disk_bytes: int
    live_bytes: int
    compressed_bytes: int
    compressed_estimated: bool


@dataclass(frozen=True)
class Reclaimable:
    """What could go at one risk. `by_optimize` is the part that `slimml optimize` can do; the rest needs a person."""

    risk: Risk
    total: Amount
    by_optimize: Amount


@dataclass(frozen=True)
class DockerfileLine:
    """The line, from 1, of the instruction that made a layer; `inherited`: it is the FROM whose image has the layer."""

    line: int
    inherited: bool


@dataclass(frozen=True)
class LayerReport:
    """One layer, `index` from 0 at the bottom. `command` is the build step, "" when unknown.

    `made_by` is None where no Dockerfile was given, or where it does not tell.
    """

    index: int
    digest: str
    diff_id: str
    compression: str
    command: str
    total: Amount
    reclaimable: Amount
    made_by: DockerfileLine | None = None


@dataclass(frozen=True)
class OwnerReport:
    """All files of one owner. Bytes on disk: `live_bytes` are visible in a container, `shadowed_bytes` are not."""

    system: str
    name: str
    version: str
    files: int
    live_bytes: int
    shadowed_bytes: int
    compressed_bytes: int


@dataclass(frozen=True)
class PathReport:
    """One file: bytes of its whole content, its part of the layer's blob, and the layer that holds it."""

    path: str
    layer: int
    disk_bytes: int
    compressed_bytes: int


@dataclass(frozen=True)
class FindingLayer:
    """A finding's part in one layer; `made_by` as in LayerReport."""

    index: int
    command: str
    disk_bytes: int
    compressed_bytes: int
    made_by: DockerfileLine | None = None


@dataclass(frozen=True)
class FindingReport:
    """A finding. `packages` are owners that go entirely; `biggest` lists the largest files, largest first."""

    rule: str
    title: str
    risk: Risk
    action: Action
    total: Amount
    layers: tuple[FindingLayer, ...]
    packages: tuple[str, ...]
    biggest: tuple[PathReport, ...]
    fix: str
    reason: str


@dataclass(frozen=True)
class GpuLibrary:
    """A library with GPU code, `size` bytes. `by_target` are bytes of that code (sm_90 for machine code, compute_90 for
    PTX and the like), `saved_by` what `--gpu-arch` would take out at most, by architecture.

    `may_be_changed` says that its licence permits changed copies; `unread` why nothing is known of its code.
    """

    path: str
    layer: int
    size: int
    by_target: dict[str, int]
    saved_by: dict[str, int]
    licence: str
    may_be_changed: bool
    unread: str = ""


@dataclass(frozen=True)
class UpdateReport:
    """What is fetched when something changes, in compressed bytes: `own_bytes` of it change, `layer_bytes` are the
    layers that hold it, `build_bytes` these and all above, which a build makes anew. `name` is a distribution's, "" for
    one file of the application.
    """

    name: str
    own_bytes: int
    layer_bytes: int
    build_bytes: int


@dataclass(frozen=True)
class AnalysisReport:
    """Everything that `slimml analyze` says. Lists are complete and ordered: layers from the bottom, all else by size.

    The sums of `layers`, `owners`, `systems` and `forms` are the image's `disk_bytes` and `compressed_bytes`; to those
    of `owners` belong `archive_bytes`, the compressed ends of the layers' archives. `dockerfile` is the file
    whose lines are told, None without one. `gpu` are the libraries with GPU code, those with most of it first.
    `largest_layer_share` is of the compressed bytes; `updates` are what a change costs (slim/layout/costs).
    """

    image: ImageFacts
    reclaimable: tuple[Reclaimable, ...]
    layers: tuple[LayerReport, ...]
    owners: tuple[OwnerReport, ...]
    archive_bytes: int
    systems: tuple[Part, ...]
    forms: tuple[Part, ...]
    findings: tuple[FindingReport, ...]
    efficiency: Efficiency
    unknowns: tuple[str, ...]
    dockerfile: str | None = None
    gpu: tuple[GpuLibrary, ...] = ()
    largest_layer_share: float = 0.0
    updates: tuple[UpdateReport, ...] = ()
