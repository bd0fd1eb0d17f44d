"""Whether an image keeps its own promises: every digest, every entry (as `validate` of go-containerregistry)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from slimml.errors import InvalidImage, NotFound
from slimml.oci.digest import algorithm_of, hex_of, short
from slimml.oci.image import Image, Layer
from slimml.oci.lazy.check import lazy_claims
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import DOCKER_CONFIG, OCI_CONFIG, OCI_MANIFEST, Compression
from slimml.oci.scan import scan_layer
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.verified_layer import may_be_missing
from slimml.progress import SILENT, Progress

_MAGIC = {b"\x1f\x8b": Compression.GZIP, b"\x28\xb5\x2f\xfd": Compression.ZSTD}
_SKIPPABLE_ZSTD = b"\x2a\x4d\x18"
_SHOWN = 10
"""problems of one layer that are told one by one"""


@dataclass(frozen=True)
class Check:
    """One claim about `subject` that was looked at; `problem` is "" where it holds."""

    subject: str
    claim: str
    problem: str = ""


@dataclass(frozen=True)
class Report:
    """All that was looked at, in order."""

    checks: tuple[Check, ...]

    @property
    def problems(self) -> tuple[Check, ...]:
        """The claims that do not hold; () for a valid image."""
        return tuple(check for check in self.checks if check.problem)


def validate(image: Image, *, limits: Limits = DEFAULT_LIMITS, progress: Progress = SILENT) -> Report:
    """Read all of `image` and look at everything that it says of itself.

    A fault of the image is a problem in the report; raised is what kept us from looking: AccessDenied, Unavailable,
    Unsupported.
    """
    checks = [_config_bytes(image), _config_type(image), _platform(image), _history(image)]
    sizes = [layer.descriptor.size for layer in image.layers]
    paths: set[int] = set()
    with progress.task("validating layers", sum(sizes) if min(sizes, default=0) >= 0 else None) as task:
        for layer in image.layers:
            checks += _layer(layer, paths, limits, task.advance)
    return Report(tuple(checks))


def _config_bytes(image: Image) -> Check:
    said = image.manifest.config
    found = hashlib.new(algorithm_of(said.digest), image.config.raw).hexdigest()
    wrong = found != hex_of(said.digest) or len(image.config.raw) != said.size
    problem = f"{len(image.config.raw)} bytes of digest {found}, the manifest says {said.size} and {said.digest}"
    return Check("config", "has the digest and size that the manifest says", problem if wrong else "")


def _config_type(image: Image) -> Check:
    said = image.manifest.config.media_type
    wanted = OCI_CONFIG if image.manifest.media_type == OCI_MANIFEST else DOCKER_CONFIG
    problem = "" if said == wanted else f"it is {said}, beside a manifest of type {image.manifest.media_type}"
    return Check("config", "has the media type that goes with the manifest's", problem)


def _platform(image: Image) -> Check:
    problem = "" if image.config.platform.architecture else "it names no architecture"
    return Check("config", "names operating system and architecture", problem)


def _history(image: Image) -> Check:
    made = sum(not entry.empty for entry in image.config.history)
    wrong = image.config.history and made != len(image.layers)
    problem = f"{made} steps made a layer, and there are {len(image.layers)} layers" if wrong else ""
    return Check("history", "has a step for every layer, or none at all", problem)


def _layer(layer: Layer, paths: set[int], limits: Limits, advance: Callable[[int], None]) -> list[Check]:
    subject = f"layer {short(layer.descriptor.digest)}"
    content = "has the digest, size and diff ID that manifest and config say, and is a well-formed tar"
    visitor = _Unpackable(paths)
    checks: list[Check] = []
    try:
        checks.append(Check(subject, "is compressed as its media type says", _compression_problem(layer)))
        scan_layer(layer, visitor, limits=limits, hash_tar=True, advance=advance)
    except NotFound as error:
        if may_be_missing(layer):
            return [Check(subject, "may not be distributed, and says where it can be had")]
        return [*checks, Check(subject, content, str(error))]
    except InvalidImage as error:
        return [*checks, Check(subject, content, str(error))]
    lazy = [Check(subject, claim, problem) for claim, problem in lazy_claims(layer, limits)]
    return [*checks, Check(subject, content), Check(subject, "unpacks the same everywhere", visitor.told()), *lazy]


def _compression_problem(layer: Layer) -> str:
    with layer.open() as blob:
        head = blob.read(4)
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), Compression.NONE)
    if head[1:] == _SKIPPABLE_ZSTD:
        found = Compression.ZSTD
    if found is layer.compression:
        return ""
    return f"its compression is {found.value}, its media type {layer.descriptor.media_type}"


class _Unpackable:
    """A visitor that looks for what engines unpack in different ways, or not at all.

    `paths` are hashes of the files and links in this layer and those below, which it adds to.
    """

    def __init__(self, paths: set[int]) -> None:
        self._below = paths
        self._here: set[int] = set()
        self._not_directories: set[str] = set()
        self._fine_parents: set[str] = {""}
        self._problems: list[str] = []
        self._count = 0

    def told(self) -> str:
        """All problems in one line; "" for none."""
        more = f"; and {self._count - _SHOWN} more" if self._count > _SHOWN else ""
        return "; ".join(self._problems) + more

    def _add(self, problem: str) -> None:
        self._count += 1
        if self._count <= _SHOWN:
            self._problems.append(problem)

    def _see(self, entry: Entry) -> None:
        self._check_parents(entry.path)
        if entry.kind is Kind.DIRECTORY:
            self._not_directories.discard(entry.path)
            return
        self._here.add(hash(entry.path))
        if entry.kind is Kind.SYMLINK:
            self._not_directories.add(entry.path)
            self._fine_parents = {""}

    def _known(self, path: str) -> bool:
        return hash(path) in self._here or hash(path) in self._below

    def _check_parents(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent in self._fine_parents:
            return
        at = parent
        while at:
            if at in self._not_directories:
                self._add(f"{path[:200]!r} lies beneath the link {at[:200]!r} of the same layer")
                return
            at = at.rpartition("/")[0]
        self._fine_parents.add(parent)

    def other(self, entry: Entry) -> None:
        if entry.kind is Kind.WHITEOUT:
            if hash(entry.path) in self._here:
                self._add(f"{entry.path[:200]!r} is hidden after it was added in the same layer")
            return
        if entry.kind is Kind.OPAQUE:
            return
        if entry.kind is Kind.HARDLINK and not self._known(entry.link):
            self._add(f"{entry.path[:200]!r} is a hard link to {entry.link[:200]!r}, which is not there")
        self._see(entry)

    def whole(self, entry: Entry, content: memoryview) -> None:
        del content
        self._see(entry)

    def begin(self, entry: Entry) -> None:
        self._see(entry)

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        del crc64, opener
        self._see(entry)

    def data(self, piece: memoryview) -> None:
        pass

    def end(self) -> None:
        pass

    def finish(self, tar_bytes: int) -> None:
        del tar_bytes
        self._below |= self._here
