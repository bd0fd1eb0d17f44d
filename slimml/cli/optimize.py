"""`slimml optimize IMAGE`: the plan, a question, a smaller image that was run, and what was measured."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import by_hand, dockerfile_build, laying, lazily, options, probing, shrinking, starting
from slimml.cli.by_use import Recorded, with_recording
from slimml.cli.proving import Asked
from slimml.cli.session import Session, with_session
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.slim.options import Options
    from slimml.slim.starting.objective import Wish

LevelChoice = Annotated[
    options.Level | None, typer.Option("--level", help="How much risk to take: safe unless set.", show_default=False)
]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="RULE", help="Apply this rule; repeatable.", show_default=False)
]
Skip = Annotated[
    list[str] | None, typer.Option("--skip", metavar="RULE", help="Leave this rule out.", show_default=False)
]
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="GLOB", help="Never touch these paths (/app/**).", show_default=False),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]
Flatten = Annotated[
    bool | None,
    typer.Option("--flatten/--no-flatten", help="Make one layer of all.", show_default=False),
]
Compression = Annotated[
    str | None,
    typer.Option(
        "--compression",
        metavar="KIND[:LEVEL]",
        help="Store every layer as gzip, zstd or none; else as it was stored.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None, typer.Option("--threads", metavar="N", help="Threads that compress.", min=0, show_default=False)
]
KeepRemoved = Annotated[
    bool | None,
    typer.Option(
        "--keep-removed/--no-keep-removed", help="Keep what is removed, for slimml restore.", show_default=False
    ),
]
Verify = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify",
        help="Run both images, compare, put back what is needed; unless set, where an engine is there.",
        show_default=False,
    ),
]


ProbesFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--probes",
        metavar="FILE",
        help="Probes: TOML with [probes], or YAML of container-structure-test; for several images once for each.",
        show_default=False,
    ),
]
Shared = Annotated[
    bool, typer.Option("--shared", help="Several images: the layers that they have in common stay common.")
]


def with_all_options(function: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of the parts that it is made of."""
    return starting.with_wish(laying.with_layers(shrinking.with_shrinking(with_recording(function))))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(with_all_options(optimize)))


def optimize(
    session: Session,
    image: options.ImageArguments,
    start: "Wish",
    layers: laying.Laying,
    smaller: shrinking.Shrinking,
    said: Recorded,
    tag: options.Tag = None,
    output: options.Output = None,
    level: LevelChoice = None,
    only: Only = None,
    skip: Skip = None,
    keep: Keep = None,
    dry_run: DryRun = False,
    yes: options.Yes = False,
    flatten: Flatten = None,
    compression: Compression = None,
    threads: Threads = None,
    keep_removed: KeepRemoved = None,
    ledger: options.Ledger = None,
    verify: Verify = None,
    probes: ProbesFiles = None,
    probe: probing.Requests = None,
    probe_command: probing.Commands = None,
    ready: probing.ReadyWhen = None,
    runtime: probing.RuntimeChoice = probing.Runtime.AUTO,
    gpus: probing.Gpus = None,
    shared: Shared = False,
    dockerfile: dockerfile_build.InsteadOfImage = None,
    html: options.Html = None,
    lazy: lazily.LazyChoice = None,
    marked: by_hand.MarkedFile = None,
) -> None:
    """Make an image smaller and prove that it still works."""
    from slimml.cli.optimizing import Files, prepare, slim_subjects

    if dockerfile is not None:
        if html is not None:
            raise UsageError("--html shows one image and what was removed of it; --dockerfile makes another build")
        about = Asked(verify, probes[0] if probes else None, probe, probe_command, ready, runtime, gpus)
        dockerfile_build.optimize_recipe(session, dockerfile, image, level, only, skip, tag, output, about)
        return
    chosen = _options(session, level, only, skip, keep, flatten, compression, threads, keep_removed)
    if shared:
        _check_together(image, tag, output, ledger, said.seccomp, html)
    elif len(image) > 1:
        raise UsageError("optimize takes one image; several only with --shared, which keeps their common layers common")
    suites = _probes_of_each(image, probes)
    each = [Asked(verify, file, probe, probe_command, ready, runtime, gpus) for file in suites]
    asked = [shrinking.judged(one, smaller.models) for one in each]
    chosen = _with_further(chosen, said, smaller, shared=shared)
    chosen = laying.with_layout(chosen, layers, session, shared=shared)
    subjects = prepare(session, image, asked, said, tag, output)
    subjects, chosen = by_hand.with_marks(session, subjects, chosen, marked, (level, only))
    chosen = lazily.with_lazy(chosen, lazy, compression, subjects)
    slim_subjects(session, subjects, chosen, smaller.wanted, start, Files(ledger, html), dry_run=dry_run, yes=yes)


def _with_further(chosen: "Options", said: Recorded, smaller: shrinking.Shrinking, *, shared: bool) -> "Options":
    """The options with what is asked of recordings and of files that become smaller."""
    return replace(
        chosen,
        depth=said.depth if said.given else None,
        asked=shrinking.asked(smaller.wanted),
        weights_layer=shrinking.weights_apart(smaller.weights_layer, shared, chosen),
    )


def _check_together(
    images: list[str],
    tag: str | None,
    output: str | None,
    ledger: Path | None,
    profile: Path | None,
    page: Path | None,
) -> None:
    """Raises UsageError for what says where one result goes, and for one image alone."""
    if len(images) < 2:
        raise UsageError("--shared is about several images: name at least two")
    files = (("--ledger", ledger), ("--emit-seccomp", profile), ("--html", page))
    for option, said in (("--tag", tag), ("--output", output), *files):
        if said:
            raise UsageError(f"{option} names one place, but --shared has several results; they go where images do")


def _probes_of_each(images: list[str], files: list[Path] | None) -> list[Path | None]:
    """One file of probes for each image, or the same for all; raises UsageError for another number."""
    if not files:
        return [None] * len(images)
    if len(files) not in (1, len(images)):
        raise UsageError(f"--probes was given {len(files)} times for {len(images)} images: once, or once for each")
    return [*files] if len(files) == len(images) else [files[0]] * len(images)


def _options(
    session: Session,
    level: options.Level | None,
    only: list[str] | None,
    skip: list[str] | None,
    keep: list[str] | None,
    flatten: bool | None,
    compression: str | None,
    threads: int | None,
    keep_removed: bool | None,
) -> "Options":
    """What the command line says over what the settings say."""
    from slimml.bloat.rules import check_rules
    from slimml.oci.codec import parse_encoding
    from slimml.settings import source_date_epoch
    from slimml.slim.options import Level, Options

    kept = session.settings.optimize
    check_rules(only or kept.only, "--only")
    check_rules(skip or kept.skip, "--skip")
    count = kept.threads if threads is None else threads
    kind = compression or kept.compression
    return Options(
        level=Level((level or options.Level(kept.level)).value),
        only=frozenset(only or kept.only),
        skip=frozenset(skip or kept.skip),
        keep=tuple(keep or kept.keep),
        flatten=kept.flatten if flatten is None else flatten,
        encoding=parse_encoding(kind, count) if kind else None,
        source_date_epoch=source_date_epoch(),
        keep_removed=kept.keep_removed if keep_removed is None else keep_removed,
        threads=count,
    )
