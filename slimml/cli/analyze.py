"""`slimml analyze IMAGE`: what is in an image, whose it is, what could go, and how to build it smaller."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import options
from slimml.cli.session import Session, with_session
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.bloat.finding import Detector, Findings
    from slimml.dockerfile.document import Document
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image
    from slimml.report.analysis import AnalysisReport

TreeFlag = Annotated[bool, typer.Option("--tree", help="Show directories by bytes instead.")]
Depth = Annotated[int, typer.Option("--depth", metavar="N", help="How deep --tree goes.", min=1, max=64)]
LayerNumber = Annotated[
    int | None, typer.Option("--layer", metavar="N", help="Show one layer, from 0 at the bottom.", show_default=False)
]
Top = Annotated[
    int | None,
    typer.Option("--top", metavar="N", help="How many owners, findings and paths to list.", min=1, show_default=False),
]
Show = Annotated[
    str | None,
    typer.Option("--show", metavar="FINDING", help="List every path of a finding, by its rule.", show_default=False),
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Write a picture as well (.svg or .png).", show_default=False),
]
Dockerfile = Annotated[
    Path | None,
    typer.Option(
        "--dockerfile", metavar="FILE", help="Point to the lines of the image's Dockerfile.", show_default=False
    ),
]
DeadLibraries = Annotated[
    bool, typer.Option("--dead-libraries", help="Read all programs, and find libraries that nothing needs or names.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(analyze))


def analyze(
    session: Session,
    image: options.ImageArgument,
    tree: TreeFlag = False,
    depth: Depth = 4,
    layer: LayerNumber = None,
    top: Top = None,
    show: Show = None,
    picture: Picture = None,
    html: options.Html = None,
    dead_libraries: DeadLibraries = False,
    dockerfile: Dockerfile = None,
) -> None:
    """Say what an image carries, whose it is, and what could go."""
    from slimml.cli.reading import open_named, read_dockerfile
    from slimml.inventory.kept_files import default_directory
    from slimml.report.kept import keep_report, kept_report

    if sum((tree, layer is not None, show is not None)) > 1:
        raise UsageError("give one of --tree, --layer and --show")
    listed = top or session.settings.analyze.top
    lines = read_dockerfile(dockerfile) if dockerfile else None
    opened, kept, limits = open_named(image, session), default_directory(), session.access.limits
    if not (tree or layer is not None or show or picture or html or dead_libraries):
        known = kept_report(kept, opened, limits, listed)
        if known is not None:
            _show_report(session, _located(session, known, opened, lines, dockerfile), listed)
            return
    from slimml.cli.reading import inventory_of

    inventory = inventory_of(opened, session)
    # Imported after: where layers are read by several processes, one of them imports these meanwhile.
    from slimml.bloat.detect import ALL, find_bloat
    from slimml.report.build_analysis import analyse

    findings = find_bloat(inventory, (*ALL, *_reading_detectors(session, inventory, dead_libraries)))
    report = _with_gpu_code(session, inventory, analyse(inventory, findings, listed))
    if not dead_libraries:
        keep_report(kept, opened, limits, listed, report)
    report = _located(session, report, opened, lines, dockerfile)
    if layer is not None and not 0 <= layer < report.image.layers:
        raise UsageError(f"--layer {layer}: the image has layers 0 to {report.image.layers - 1}")
    if picture:
        from slimml.report.areas import areas_of
        from slimml.report.picture import draw

        draw(report, areas_of(inventory, findings), picture)
        session.remark(f"picture written to {picture}")
    if html:
        from slimml.cli.page import write_contents

        write_contents(session, html, inventory, findings, report)
    if tree:
        _show_tree(session, inventory, report, depth)
    elif layer is not None:
        _show_layer(session, inventory, report, layer, listed)
    elif show is not None:
        _show_finding(session, inventory, findings, report, show)
    else:
        _show_report(session, report, listed)


def _reading_detectors(session: Session, inventory: "Inventory", wanted: bool) -> "list[Detector]":
    """What looks into files again, and so is made only when it is wanted."""
    if not wanted:
        return []
    from functools import partial

    from slimml.bloat.dead_libraries import DeadLibraries
    from slimml.inventory.read_rows import read_rows

    return [DeadLibraries(partial(read_rows, inventory, limits=session.access.limits, progress=session.progress))]


def _with_gpu_code(session: Session, inventory: "Inventory", report: "AnalysisReport") -> "AnalysisReport":
    """The report with what is in the libraries with GPU code, which are read for it; of other images as it is."""
    from dataclasses import replace
    from functools import partial
    from pathlib import Path

    from slimml.slim.replacing.gpu import gpu_rows

    if not gpu_rows(inventory):
        return report
    from slimml.inventory.kept_files import shrunk_directory
    from slimml.inventory.read_rows import read_rows
    from slimml.report.gpu import gpu_report
    from slimml.slim.replacing.gpu_code import gpu_code_of
    from slimml.slim.replacing.remembered import Remembered
    from slimml.slim.workshop import work_store

    limits = session.access.limits
    with work_store() as store:
        found = gpu_code_of(
            inventory,
            Path(store.path, "libraries"),
            Remembered(shrunk_directory()),
            partial(read_rows, inventory, limits=limits),
            limits=limits,
            progress=session.progress,
        )
    return replace(report, gpu=gpu_report(found))


def _located(
    session: Session, report: "AnalysisReport", image: "Image", document: "Document | None", path: Path | None
) -> "AnalysisReport":
    """The report with the lines of the Dockerfile, where one is given."""
    if document is None:
        return report
    from slimml.report.dockerfile_lines import with_lines

    located = with_lines(report, image.config, document, str(path))
    untold = sum(layer.made_by is None for layer in located.layers)
    if untold:
        session.remark(f"{path} does not tell what made {untold} of {len(located.layers)} layers: is it this image's?")
    return located


def _show_report(session: Session, report: "AnalysisReport", top: int) -> None:
    if session.json:
        session.answer("analysis", report)
        return
    from slimml.report.terminal import render_analysis

    render_analysis(report, session.out, top)


def _show_tree(session: Session, inventory: "Inventory", report: "AnalysisReport", depth: int) -> None:
    from slimml.report.tree import render_tree, tree_of

    root = tree_of(inventory, depth)
    if session.json:
        session.answer("analysis", report, tree=root)
    else:
        render_tree(root, session.out)


def _show_layer(session: Session, inventory: "Inventory", report: "AnalysisReport", index: int, top: int) -> None:
    from slimml.report.build_analysis import biggest_of_layer

    paths = biggest_of_layer(inventory, index, top)
    if session.json:
        session.answer("analysis", report, biggest=paths)
        return
    from slimml.report.terminal import render_layer

    render_layer(report, index, paths, session.out)


def _show_finding(
    session: Session, inventory: "Inventory", findings: "Findings", report: "AnalysisReport", rule: str
) -> None:
    from slimml.report.build_analysis import finding_report
    from slimml.report.dockerfile_lines import finding_with_lines

    lines = tuple(layer.made_by for layer in report.layers)
    chosen = [
        finding_with_lines(finding_report(inventory, finding, None), lines)
        for finding in findings
        if finding.rule == rule
    ]
    if not chosen:
        there = ", ".join(sorted({finding.rule for finding in findings})) or "none"
        raise UsageError(f"--show {rule}: the image has no such finding; there are: {there}")
    if session.json:
        session.answer("analysis", report, shown=chosen)
        return
    from slimml.report.terminal import render_finding

    for finding in chosen:
        render_finding(finding, session.out, report.dockerfile)
