"""An analysis with the lines of the Dockerfile that made its layers, and so what lies in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.dockerfile.locate import locate_history
from slimml.report.analysis import AnalysisReport, DockerfileLine, FindingReport

if TYPE_CHECKING:
    from slimml.dockerfile.document import Document
    from slimml.oci.config import ImageConfig


def layer_lines(config: ImageConfig, document: Document) -> tuple[DockerfileLine | None, ...]:
    """For each layer the line that made it; None where history and Dockerfile do not tell."""
    places = locate_history(document, [entry.created_by for entry in config.history])
    made = [
        DockerfileLine(place.line, place.inherited) if place else None
        for entry, place in zip(config.history, places, strict=True)
        if not entry.empty
    ]
    if len(made) > len(config.diff_ids):
        return (None,) * len(config.diff_ids)
    # As in ImageConfig.layer_history: layers that no entry tells of come first, and so from the base.
    first = made[0] if made and made[0] is not None and made[0].inherited else None
    return (first,) * (len(config.diff_ids) - len(made)) + tuple(made)


def with_lines(report: AnalysisReport, config: ImageConfig, document: Document, name: str) -> AnalysisReport:
    """The report with what each layer was made by; `name` is the Dockerfile's."""
    lines = layer_lines(config, document)
    return replace(
        report,
        layers=tuple(replace(layer, made_by=lines[layer.index]) for layer in report.layers),
        findings=tuple(finding_with_lines(finding, lines) for finding in report.findings),
        dockerfile=name,
    )


def finding_with_lines(finding: FindingReport, lines: tuple[DockerfileLine | None, ...]) -> FindingReport:
    """The finding with what made each of its layers."""
    return replace(finding, layers=tuple(replace(part, made_by=lines[part.index]) for part in finding.layers))
