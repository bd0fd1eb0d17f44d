"""The image configuration: what runs, how the layers came about (image-spec config.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci import documents
from slimml.oci.digest import Digest, parse_digest, sha256
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.platform import Platform


@dataclass(frozen=True)
class HistoryEntry:
    """One build step; `created` is the RFC 3339 text as it stood, `empty` steps made no layer."""

    created_by: str
    created: str
    comment: str
    empty: bool


@dataclass(frozen=True)
class ImageConfig:
    """A parsed configuration. `document` is the JSON object (do not change it), `raw` its bytes."""

    raw: bytes
    document: Mapping[str, Any]
    platform: Platform
    diff_ids: tuple[Digest, ...]
    history: tuple[HistoryEntry, ...]

    @property
    def digest(self) -> Digest:
        """SHA-256 of the raw bytes: the image ID of Docker's classic store."""
        return sha256(self.raw)

    @property
    def runtime(self) -> Mapping[str, Any]:
        """The `config` member: Env, Entrypoint, Cmd, User, Labels and so on."""
        return documents.mapping(self.document, "config", "the image config")

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of the image."""
        return documents.strings(self.runtime, "Labels", "the image config")

    @property
    def layer_history(self) -> tuple[HistoryEntry | None, ...]:
        """For each layer the step that made it; None where history and layers do not match up."""
        made = [entry for entry in self.history if not entry.empty]
        if len(made) > len(self.diff_ids):
            return (None,) * len(self.diff_ids)
        # A squashed or imported base has layers that no step tells of; they come first.
        return (None,) * (len(self.diff_ids) - len(made)) + tuple(made)


def parse_config(raw: bytes, what: str = "the image config", limits: Limits = DEFAULT_LIMITS) -> ImageConfig:
    """The configuration in `raw`; raises InvalidImage, LimitExceeded."""
    obj = documents.load_object(raw, what, limits)
    rootfs = documents.mapping(obj, "rootfs", what)
    diff_ids = documents.sequence(rootfs, "diff_ids", what)
    if len(diff_ids) > limits.layers:
        raise LimitExceeded(f"{what} lists {len(diff_ids)} layers", "layers")
    documents.mapping(obj, "config", what)
    return ImageConfig(
        raw=raw,
        document=obj,
        platform=Platform(
            documents.text(obj, "os", what, default="linux") or "linux",
            documents.text(obj, "architecture", what, default=""),
            documents.text(obj, "variant", what, default=""),
        ),
        diff_ids=tuple(parse_digest(item) for item in diff_ids),
        history=tuple(_history(item, what) for item in documents.sequence(obj, "history", what)),
    )


def _history(item: object, what: str) -> HistoryEntry:
    if not isinstance(item, dict):
        raise InvalidImage(f"{what}: a history entry should be an object, is {type(item).__name__}")
    return HistoryEntry(
        created_by=documents.text(item, "created_by", what, default=""),
        created=documents.text(item, "created", what, default=""),
        comment=documents.text(item, "comment", what, default=""),
        empty=item.get("empty_layer") is True,
    )
