"""Whether the image that `optimize` made was run, by which probes, and what had to be kept for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.sizes import counted, size
from slimml.report.terminal import indented
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.slim.mending.prove import Proof
    from slimml.slim.plan import Kept

_SHOWN = 12


@dataclass(frozen=True)
class KeptReport:
    """What would have gone by `rules` and stays: `entries` of the image, `disk_bytes` of content."""

    name: str
    paths: tuple[str, ...]
    rules: tuple[str, ...]
    entries: int
    disk_bytes: int
    reason: str


@dataclass(frozen=True)
class ProbeReport:
    """A probe that both images answered alike; `ignored` are parts that nobody compared, and why."""

    name: str
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class ProofReport:
    """How the image was verified. `origin` is where the probes came from; `rewrites` came after the first writing,
    `trials` ran the image with some of what was removed put back.
    """

    engine: str
    engine_version: str
    origin: str
    probes: tuple[ProbeReport, ...]
    not_checked: tuple[str, ...]
    rewrites: int
    trials: int
    kept: tuple[KeptReport, ...]


def kept_report(kept: Kept) -> KeptReport:
    """A kept part of the image as plain values."""
    return KeptReport(kept.name, kept.paths, kept.rules, len(kept.rows), kept.disk_bytes, kept.reason)


def proof_report(proof: Proof) -> ProofReport:
    """The proof as plain values."""
    found = proof.verification
    return ProofReport(
        engine=found.engine.name,
        engine_version=found.engine.version,
        origin=found.origin,
        probes=tuple(ProbeReport(row.probe, row.ignored) for row in found.rows),
        not_checked=found.not_checked,
        rewrites=proof.rewrites,
        trials=proof.trials,
        kept=tuple(kept_report(item) for item in proof.kept),
    )


def in_words(proof: ProofReport) -> str:
    """One sentence on what was proven."""
    mended = f", after {counted(proof.rewrites, 'rewrite')}" if proof.rewrites else ""
    return (
        f"verified{mended}: {counted(len(proof.probes), 'probe')} answered as the original does "
        f"({proof.engine} {proof.engine_version}, probes: {proof.origin})"
    )


def render_kept(kept: tuple[KeptReport, ...], console: Console) -> None:
    """Print what stays although it could have gone, and why."""
    for item in kept[:_SHOWN]:
        console.print(indented(f"kept {visible(item.name)} ({size(item.disk_bytes)}): {visible(item.reason)}"))
    if len(kept) > _SHOWN:
        console.print(indented(f"and {counted(len(kept) - _SHOWN, 'more part')} that stay (--json has them all)"))


def render_proof(proof: ProofReport, console: Console) -> None:
    """Print what was kept, what was proven, and what nobody looked at."""
    render_kept(proof.kept, console)
    console.print(indented(visible(in_words(proof))), style="green")
    for sentence in proof.not_checked:
        console.print(indented(f"not checked: {visible(sentence)}"), style="dim")
