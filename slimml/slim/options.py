"""What the user chose: how far to go, which rules, which paths stay, how layers are stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from slimml.bloat.finding import Risk
from slimml.bloat.rules import UNUSED

if TYPE_CHECKING:
    from slimml.oci.codec import Encoding
    from slimml.oci.media_types import Compression
    from slimml.slim.layout.asked import Layout
    from slimml.slim.lazily import Lazy
    from slimml.usage.closure_result import Depth


class Level(StrEnum):
    """Up to which risk findings are acted on."""

    SAFE = "safe"
    LIKELY = "likely"
    ALL = "all"

    @property
    def risks(self) -> frozenset[Risk]:
        """The risks that this level takes."""
        order = (Risk.SAFE, Risk.LIKELY, Risk.ASK)
        return frozenset(order[: 1 + tuple(Level).index(self)])


@dataclass(frozen=True)
class Options:
    """Choices for `optimize`.

    `only` and `skip` are rule names (empty `only`: all). `keep` are globs of absolute paths that stay: `*` within a
    component, `**` over components. `encoding` None stores rewritten layers as their source was (gzip, zstd or plain)
    and copies the others; one given stores every layer so. `source_date_epoch` (seconds) bounds new times from above.
    `depth` is how far what a recording keeps reaches beyond it, None where there is no recording. `asked` are rules
    that were asked for by themselves, with what was said (`gpu-architectures`: `sm_90`). `weights_layer` writes models
    into a layer of their own on top.
    `layout` puts all above the shared base into other layers; `accepts` are the compressions that the client takes
    (None: all). `lazy` stores the layers so that clients may fetch parts of them. `keep_removed` also writes a blob
    with all removed content. `threads` 0 means one per processor.
    """

    level: Level = Level.SAFE
    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    keep: tuple[str, ...] = ()
    flatten: bool = False
    encoding: Encoding | None = None
    source_date_epoch: int | None = None
    keep_removed: bool = False
    threads: int = 0
    depth: Depth | None = None
    asked: Mapping[str, str] = field(default_factory=dict)
    weights_layer: bool = False
    layout: Layout | None = None
    accepts: frozenset[Compression] | None = None
    lazy: Lazy | None = None

    @property
    def rewritten_as(self) -> Encoding | None:
        """`encoding`, unless a layout stores everything once more: until then layers stay as they are."""
        return None if self.layout is not None else self.encoding

    def takes(self, rule: str, risk: Risk) -> bool:
        """Whether a finding of this rule and risk is acted on; who gives a recording, or says for which GPU, wants the
        rule for it at any level.
        """
        asked = self.depth is not None if rule == UNUSED else rule in self.asked or risk in self.level.risks
        return asked and rule not in self.skip and (not self.only or rule in self.only)

    def to_json(self) -> dict[str, Any]:
        """What the ledger says of the options; nothing that depends on the machine."""
        encoding = self.encoding
        return {
            "level": self.level.value,
            "only": sorted(self.only),
            "skip": sorted(self.skip),
            "keep": sorted(self.keep),
            "flatten": self.flatten,
            "compression": f"{encoding.compression.value}:{encoding.level}" if encoding else None,
            **({"depth": self.depth.value} if self.depth else {}),
            **({"weights_layer": True} if self.weights_layer else {}),
            **({"relayer": self.layout.to_json()} if self.layout else {}),
            **({"lazy": self.lazy.format.value} if self.lazy else {}),
            **({"asked": dict(sorted(self.asked.items()))} if self.asked else {}),
        }


def matcher(globs: Iterable[str]) -> re.Pattern[str] | None:
    """One expression for paths relative to the root; None where there is no glob.

    A glob that names a directory covers what lies beneath it.
    """
    parts = [_translate(glob.lstrip("/").rstrip("/")) for glob in globs]
    return re.compile("(?:" + "|".join(parts) + r")(?:/.*)?\Z", re.DOTALL) if parts else None


_TOKENS = re.compile(r"(\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\])")


def _translate(glob: str) -> str:
    found = []
    for token in _TOKENS.split(glob):
        match token:
            case "**/":
                found.append("(?:.*/)?")
            case "**":
                found.append(".*")
            case "*":
                found.append("[^/]*")
            case "?":
                found.append("[^/]")
            case _ if _TOKENS.fullmatch(token):
                # What Python may give a meaning to in sets one day (re, "Possible nested set") stands for itself.
                inner = re.sub(r"([\\\[&~|])", r"\\\1", token[1:-1])
                negated = inner[0] in "!^"
                found.append(f"[{'^' if negated else ''}{inner[1:] if negated else inner}]")
            case _:
                found.append(re.escape(token))
    return "".join(found)
