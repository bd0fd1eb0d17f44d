"""An analysis for a person at a terminal: first what could go and at what risk, then whose bytes and where from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slimml.bloat.finding import Action, Risk
from slimml.report.sizes import counted, number, share, size
from slimml.report.untrusted import visible
from slimml.report.updates import render_updates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from slimml.report.analysis import AnalysisReport, FindingLayer, FindingReport, LayerReport, PathReport

RISK_STYLE = {Risk.SAFE: "green", Risk.LIKELY: "yellow", Risk.ASK: "magenta"}
_RISK_SAYS = {
    Risk.SAFE: "no program that worked can notice",
    Risk.LIKELY: "a service does not use it, a developer might",
    Risk.ASK: "only the image's owner knows",
}


def render_analysis(report: AnalysisReport, console: Console, top: int) -> None:
    """Print the report; `top` bounds the owners and findings shown."""
    _facts(report, console)
    _reclaimable(report, console)
    _findings(report, console, top)
    if report.gpu:
        from slimml.report.gpu import render_gpu  # imported late: it needs this module

        render_gpu(report.gpu, console, top)
    _owners(report, console, top)
    _layers(report.layers, console)
    render_updates(report, console)
    _unknowns(report, console)


def render_layer(report: AnalysisReport, index: int, paths: tuple[PathReport, ...], console: Console) -> None:
    """Print one layer: its command in full, its numbers, its findings and its largest files."""
    layer = report.layers[index]
    heading(console, f"Layer {index} of {counted(report.image.layers, 'layer')}")
    console.print(f"  digest   {layer.digest}", soft_wrap=True)
    console.print(f"  diff ID  {layer.diff_id}", soft_wrap=True)
    console.print(f"  command  {visible(layer.command) or 'not recorded'}", soft_wrap=True)
    if report.dockerfile:
        console.print(f"  made by  {_made_by((layer,), report.dockerfile)}", soft_wrap=True)
    console.print(
        f"  {size(layer.total.disk_bytes)} on disk, {size(layer.total.compressed_bytes)} as {layer.compression}, "
        f"{counted(layer.total.files, 'file')}; could go: {size(layer.reclaimable.disk_bytes)}"
    )
    shares = [(f, part) for f in report.findings for part in f.layers if part.index == index]
    if shares:
        table = plain_table("finding", "risk", ">disk", ">compressed", "what")
        for finding, part in shares:
            table.add_row(
                finding.rule,
                _risk(finding.risk),
                size(part.disk_bytes),
                size(part.compressed_bytes),
                visible(finding.title),
            )
        heading(console, "Findings in this layer")
        console.print(indented(table))
    heading(console, "Largest files: layer, bytes, compressed, path")
    render_paths(paths, console)


def render_finding(finding: FindingReport, console: Console, dockerfile: str | None = None) -> None:
    """Print one finding with every path that it lists; `dockerfile` is the file whose lines it tells."""
    heading(console, f"{finding.rule}: {visible(finding.title)}")
    console.print(indented(_numbers(finding)))
    if dockerfile:
        console.print(f"  made by {_made_by(finding.layers, dockerfile)}", soft_wrap=True)
    console.print(indented(f"why: {visible(finding.reason)}"))
    console.print(indented(f"fix: {visible(finding.fix)}"))
    for part in finding.layers:
        console.print(f"  layer {part.index}: {size(part.disk_bytes)}  {visible(part.command)}", soft_wrap=True)
    for package in finding.packages:
        console.print(f"  package {visible(package)}", soft_wrap=True)
    heading(console, "Files: layer, bytes, compressed, path")
    render_paths(finding.biggest, console)


def render_paths(paths: tuple[PathReport, ...], console: Console) -> None:
    """A line per path: its layer, bytes on disk and compressed, the path in full."""
    for path in paths:
        line = f"  {path.layer:>3}  {size(path.disk_bytes):>9}  {size(path.compressed_bytes):>9}  {visible(path.path)}"
        console.print(line, soft_wrap=True)


def heading(console: Console, text: str) -> None:
    """A title over what follows, with a line of space above."""
    console.print()
    console.print(Text(text, style="bold"))


def plain_table(*columns: str) -> Table:
    """A table without rules; a column named with `>` is of numbers, the last one may break into lines."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for position, column in enumerate(columns, 1):
        right, last = column.startswith(">"), position == len(columns)
        table.add_column(
            column.removeprefix(">"),
            justify="right" if right else "left",
            no_wrap=not last or right,
            overflow="fold" if last else "ellipsis",
            ratio=1 if last and not right else None,
        )
    return table


def indented(content: Table | Text | str) -> Padding:
    """`content` two columns in, as everything below a heading stands."""
    return Padding(content, (0, 0, 0, 2))


def _facts(report: AnalysisReport, console: Console) -> None:
    image = report.image
    console.print(Text(visible(image.reference), style="bold"), soft_wrap=True)
    console.print(image.digest, style="dim", soft_wrap=True)
    console.print()
    table = plain_table("", ">", "")
    shadowed = image.disk_bytes - image.live_bytes
    hidden = f"; {size(shadowed)} of it hidden by upper layers" if shadowed else ""
    counts = f"{counted(image.files, 'file')} in {counted(image.layers, 'layer')}{hidden}"
    table.show_header = False
    table.add_row("Platform", "", visible(image.platform))
    table.add_row("On disk", Text(size(image.disk_bytes), style="bold"), counts)
    source = "estimated: no stored blob was read" if image.compressed_estimated else "as stored and pulled"
    table.add_row("Compressed", Text(size(image.compressed_bytes), style="bold"), source)
    score = f"{report.efficiency.score:.1%}".replace("%", " %")
    repeated = size(report.efficiency.wasted_bytes)
    table.add_row("Efficiency", score, f"as dive counts; {repeated} in paths that occur more than once")
    console.print(indented(table))


def _reclaimable(report: AnalysisReport, console: Console) -> None:
    heading(console, "Could go")
    table = plain_table("risk", ">disk", ">", ">compressed", ">", "")
    disk, compressed = report.image.disk_bytes, report.image.compressed_bytes
    totals = [0, 0]
    for one in report.reclaimable:
        totals = [totals[0] + one.total.disk_bytes, totals[1] + one.total.compressed_bytes]
        table.add_row(
            _risk(one.risk),
            size(one.total.disk_bytes),
            share(one.total.disk_bytes, disk),
            size(one.total.compressed_bytes),
            share(one.total.compressed_bytes, compressed),
            Text(_RISK_SAYS[one.risk], style="dim"),
        )
    cells = size(totals[0]), share(totals[0], disk), size(totals[1]), share(totals[1], compressed)
    table.add_row("together", *cells, "", style="bold")
    console.print(indented(table))


def _findings(report: AnalysisReport, console: Console, top: int) -> None:
    heading(console, f"Findings{_shown(len(report.findings), top)}")
    if not report.findings:
        console.print("  nothing found that could go")
    table = plain_table(">", "", "")
    table.show_header = False
    for finding in report.findings[:top]:
        body = Text(visible(finding.title))
        made = f"\nmade by {_made_by(finding.layers, report.dockerfile)}" if report.dockerfile else ""
        for detail in (f"  [{finding.rule}]", f"\n{_numbers(finding)}", made, f"\nfix: {visible(finding.fix)}"):
            body.append(detail, style="dim")
        table.add_row(Text(size(finding.total.disk_bytes), style="bold"), _risk(finding.risk), body)
    console.print(indented(table))


def _numbers(finding: FindingReport) -> str:
    layers = ", ".join(str(part.index) for part in finding.layers)
    where = f"layer{'s' if len(finding.layers) > 1 else ''} {layers}" if layers else "no layer"
    by_hand = "; by hand only" if finding.action is Action.TELL else ""
    return (
        f"{counted(finding.total.files, 'file')}, {size(finding.total.compressed_bytes)} compressed, {where}{by_hand}"
    )


def _made_by(parts: Sequence[FindingLayer | LayerReport], dockerfile: str) -> str:
    """The lines that made the layers, as `Dockerfile:12, :14 and the base image of :2`."""
    found = [part.made_by for part in parts]
    own = sorted({one.line for one in found if one is not None and not one.inherited})
    bases = sorted({one.line for one in found if one is not None and one.inherited})
    said = [", ".join(f":{line}" for line in own)] if own else []
    said += [f"the base image of :{line}" for line in bases]
    if None in found:
        said.append("what the Dockerfile does not tell")
    return " and ".join(said).replace(":", f"{visible(dockerfile)}:", 1)


def _owners(report: AnalysisReport, console: Console, top: int) -> None:
    heading(console, f"Owners{_shown(len(report.owners), top)}")
    table = plain_table(">live", ">hidden", ">compressed", ">files", "owner")
    for owner in report.owners[:top]:
        name = owner.name if owner.system == owner.name else f"{owner.system}:{owner.name}"
        table.add_row(
            size(owner.live_bytes),
            size(owner.shadowed_bytes) if owner.shadowed_bytes else "",
            size(owner.compressed_bytes),
            number(owner.files),
            visible(f"{name} {owner.version}".rstrip()),
        )
    console.print(indented(table))


def _layers(layers: tuple[LayerReport, ...], console: Console) -> None:
    heading(console, "Layers")
    table = plain_table(">#", ">disk", ">compressed", ">could go", "command")
    for layer in layers:
        table.add_row(
            str(layer.index),
            size(layer.total.disk_bytes),
            size(layer.total.compressed_bytes),
            size(layer.reclaimable.disk_bytes) if layer.reclaimable.disk_bytes else "",
            _shortened(visible(layer.command) or "(not recorded)", 2 * max(20, console.width - 44)),
        )
    console.print(indented(table))


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _unknowns(report: AnalysisReport, console: Console) -> None:
    heading(console, "Not checked")
    for unknown in report.unknowns:
        console.print(indented(visible(unknown)))


def _risk(risk: Risk) -> Text:
    return Text(risk.value, style=RISK_STYLE[risk])


def _shown(count: int, top: int) -> str:
    return f" (the largest {top} of {number(count)})" if count > top else ""
