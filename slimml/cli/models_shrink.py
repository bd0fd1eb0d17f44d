"""`slimml models shrink PATH`: smaller forms of models made, judged and measured; the best written elsewhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from slimml.cli.session import Session, with_session
from slimml.errors import UsageError


class TierChoice(StrEnum):
    """How far a change may go (slimml.models.candidates.recipe.Tier)."""

    LOSSLESS = "lossless"
    COMPACT = "compact"
    QUANTIZE = "quantize"


class ObjectiveChoice(StrEnum):
    """What the best is best at (slimml.models.candidates.candidate.Objective)."""

    SIZE = "size"
    STARTUP = "startup"
    LATENCY = "latency"


Source = Annotated[Path, typer.Argument(metavar="PATH", help="A model file, or a directory with models.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Write a copy with the best forms here. Without it nothing is written.",
        show_default=False,
    ),
]
TierOption = Annotated[
    TierChoice,
    typer.Option(
        "--tier",
        help="lossless: no bit of a weight changes; compact: weights stored in fewer bits, fp32 again once loaded; "
        "quantize: computed in fewer bits, which needs --eval or --samples.",
    ),
]
ObjectiveOption = Annotated[
    ObjectiveChoice, typer.Option("--objective", help="Take what is pulled, loads, or runs the soonest.")
]
Evaluation = Annotated[
    str | None,
    typer.Option(
        "--eval",
        metavar="COMMAND",
        help="Prints a number last, more is better; SLIMML_MODEL and SLIMML_MODELS name the file and its directory.",
        show_default=False,
    ),
]
Samples = Annotated[
    Path | None,
    typer.Option(
        "--samples", metavar="DIR", help="Real inputs: .npz files, an array for each input by name.", show_default=False
    ),
]
External = Annotated[
    bool,
    typer.Option(
        "--external-data",
        help="Also try ONNX weights in a file beside the graph, which load sooner: for applications that open a path.",
    ),
]
ThisProcessor = Annotated[
    bool,
    typer.Option("--for-this-processor", help="Also try graphs optimised ahead, which suit processors like this one."),
]
Reduced = Annotated[
    bool,
    typer.Option(
        "--reduce-range", help="Also try static int8 in 7 bits: for processors without VNNI, on which 8 may overflow."
    ),
]
Rounds = Annotated[int, typer.Option("--rounds", metavar="N", help="Rounds of measuring, all forms in turn.", min=1)]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw bytes against time, as .svg or .png.", show_default=False),
]


def register(group: typer.Typer) -> None:
    """Add the command to the group `models`."""
    group.command()(with_session(images=False)(shrink))


def shrink(
    session: Session,
    path: Source,
    output: Output = None,
    tier: TierOption = TierChoice.LOSSLESS,
    objective: ObjectiveOption = ObjectiveChoice.SIZE,
    evaluation: Evaluation = None,
    samples: Samples = None,
    external_data: External = False,
    for_this_processor: ThisProcessor = False,
    reduce_range: Reduced = False,
    rounds: Rounds = 3,
    picture: Picture = None,
) -> None:
    """Make models smaller, and take only forms that are as good and not slower.

    Every form is made in a process of its own, checked, run, judged by the evaluation or by its answers to the samples,
    and measured in turns with the original. The original is never changed.
    """
    from slimml.models.candidates import samples as sampled
    from slimml.models.candidates.candidate import Objective
    from slimml.models.candidates.host import processor
    from slimml.models.candidates.recipe import EXTERNAL, OPTIMISED, REDUCED, Tier
    from slimml.models.candidates.shrink_directory import shrink as shrink_models
    from slimml.models.candidates.shrink_file import Options
    from slimml.report.shrunk import render_shrunk, shrunk_report

    if tier is TierChoice.QUANTIZE and evaluation is None and samples is None:
        raise UsageError("--tier quantize needs --eval COMMAND or --samples DIR to judge what it makes")
    if picture is not None and picture.suffix.lower() not in (".svg", ".png"):
        raise UsageError(f"--picture {picture}: the name should end in .svg or .png")
    wanted = ((EXTERNAL, external_data), (OPTIMISED, for_this_processor), (REDUCED, reduce_range))
    options = Options(
        upto=Tier(tier.value),
        objective=Objective(objective.value),
        samples=tuple(sampled.find(samples)) if samples is not None else (),
        asked=frozenset(name for name, asked in wanted if asked),
        rounds=rounds,
    )
    result = shrink_models(path, output, options, evaluation or "", session.progress)
    root = path if path.is_dir() else path.parent
    report = shrunk_report(result, str(path), str(output or ""), objective.value, str(root), processor())
    if session.json:
        session.answer("models-shrink", report)
    else:
        render_shrunk(report, session.out)
    if picture is not None:
        from slimml.report.shrunk_picture import draw_shrunk

        draw_shrunk(report.models, picture)
