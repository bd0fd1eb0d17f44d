"""`slimml dockerfile lint|fix|explain|build|from`: what is wrong with a Dockerfile, mended, built and proven."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import dockerfile_build, options
from slimml.cli.session import Session, with_session
from slimml.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slimml.dockerfile.build import Build
    from slimml.dockerfile.fix import Fixed
    from slimml.dockerfile.lint import Told
    from slimml.dockerfile.rule import Rule

FINDINGS = 11
"""exit code: there are findings of the severity that --fail-on names, or worse"""


class FailOn(StrEnum):
    """Which findings make lint end with FINDINGS."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"


Files = Annotated[list[Path] | None, typer.Argument(metavar="[FILE…]", help="Dockerfiles.", show_default=False)]
File = Annotated[Path, typer.Argument(metavar="[FILE]", help="The Dockerfile.", show_default=False)]
ContextDirectory = Annotated[
    Path | None,
    typer.Option(
        "--context", metavar="DIR", help="The build context; the file's directory unless set.", show_default=False
    ),
]
BasesFile = Annotated[
    Path | None,
    typer.Option("--bases", metavar="FILE", help="TOML: base images that slimml does not know.", show_default=False),
]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="RULE", help="Only this rule; repeatable.", show_default=False)
]
Skip = Annotated[
    list[str] | None, typer.Option("--skip", metavar="RULE", help="Not this rule; repeatable.", show_default=False)
]
LevelChoice = Annotated[options.Level, typer.Option("--level", help="How much risk to take.")]
Buildkit = Annotated[bool, typer.Option("--buildkit", help="The builder is BuildKit: its syntax may be used.")]
Sarif = Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0, for code scanning.")]
FailChoice = Annotated[FailOn, typer.Option("--fail-on", help="The least severity that ends with 11.")]
Diff = Annotated[bool, typer.Option("--diff", help="Print the difference alone, and write nothing.")]
InPlace = Annotated[bool, typer.Option("--in-place", help="Change the file itself.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write the result.", show_default=False)
]
RuleName = Annotated[str | None, typer.Argument(metavar="[RULE]", help="A rule; none lists them.", show_default=False)]
_RISKS = {"safe": ("safe",), "likely": ("safe", "likely"), "all": ("safe", "likely", "ask")}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    commands.command()(with_session(images=False)(lint))
    commands.command()(with_session(images=False)(fix))
    commands.command()(with_session(images=False)(explain))
    commands.command()(with_session(images=True)(dockerfile_build.build))
    commands.command("from")(with_session(images=True)(from_image))
    app.add_typer(commands, name="dockerfile", help="Find and mend what makes the image of a Dockerfile large.")


@dataclass(frozen=True)
class Opened:
    """A Dockerfile that was read."""

    path: Path
    build: "Build"


def open_file(path: Path, context: Path | None, bases: Path | None, *, buildkit: bool = False) -> Opened:
    """Read a Dockerfile with its context; raises NotFound, UsageError with the file and the line."""
    from slimml.dockerfile.bases import load_bases
    from slimml.dockerfile.build import open_build
    from slimml.dockerfile.context import BuildContext
    from slimml.errors import InvalidDockerfile

    directory = path.parent if context is None else context
    if not directory.is_dir():
        raise NotFound(f"{directory} is not a directory; --context takes the one that is sent to the builder")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path}: {error.strerror}; name a Dockerfile") from None
    try:
        return Opened(path, open_build(data, BuildContext(directory), load_bases(bases), buildkit=buildkit))
    except InvalidDockerfile as error:
        raise UsageError(f"{path}: {error}") from None


def lint(
    session: Session,
    files: Files = None,
    context: ContextDirectory = None,
    only: Only = None,
    skip: Skip = None,
    bases: BasesFile = None,
    buildkit: Buildkit = False,
    sarif: Sarif = False,
    fail_on: FailChoice = FailOn.WARNING,
) -> None:
    """Say what makes the image large, slow to build or unsafe.

    The exit code is 11 where there are findings of severity --fail-on or worse, else 0.
    """
    from slimml.dockerfile.lint import lint as look
    from slimml.dockerfile.rules.registry import RULES, check_rules
    from slimml.report.dockerfile import lint_report, render_lint

    check_rules(only or (), "--only")
    check_rules(skip or (), "--skip")
    named = files or [Path("Dockerfile")]
    rules = [rule for rule in RULES if (not only or rule.id in only) and rule.id not in (skip or ())]
    told = {file: look(open_file(file, context, bases, buildkit=buildkit).build, rules) for file in named}
    if sarif:
        _print_sarif(told)
    elif session.json:
        if len(told) > 1:
            raise UsageError("--json is about one Dockerfile; --sarif takes several")
        session.answer("dockerfile-lint", lint_report(str(named[0]), told[named[0]]))
    else:
        for file, found in told.items():
            render_lint(lint_report(str(file), found), session.out)
    if fail_on is not FailOn.NEVER:
        order = [FailOn.NOTE, FailOn.WARNING, FailOn.ERROR]
        failing = order[order.index(fail_on) :]
        if any(FailOn(one.rule.severity.value) in failing for found in told.values() for one in found):
            raise typer.Exit(FINDINGS)


def _print_sarif(told: "Mapping[Path, list[Told]]") -> None:
    import json

    from slimml import __version__
    from slimml.report.dockerfile_sarif import lint_sarif

    log = lint_sarif({file.as_posix(): found for file, found in told.items()}, __version__)
    json.dump(log, sys.stdout, indent=2)
    sys.stdout.write("\n")


def fix(
    session: Session,
    file: File = Path("Dockerfile"),
    context: ContextDirectory = None,
    level: LevelChoice = options.Level.SAFE,
    only: Only = None,
    skip: Skip = None,
    bases: BasesFile = None,
    buildkit: Buildkit = False,
    diff: Diff = False,
    in_place: InPlace = False,
    output: Output = None,
) -> None:
    """Mend a Dockerfile, and keep every byte that is not meant.

    Without --in-place and --output nothing is written: the difference is shown, each hunk with its rules and reasons.
    """
    from slimml.dockerfile.fix import fix as mend
    from slimml.report.dockerfile import fix_report, render_fix

    if in_place and output is not None:
        raise UsageError("--in-place and --output say two places; say one")
    opened = open_file(file, context, bases, buildkit=buildkit)
    fixed = mend(opened.build, rules_for(level, only, skip))
    target = None if diff else file if in_place else output
    written = write_fixed(fixed, opened, target) if target else []
    if diff:
        sys.stdout.write(difference(fixed, opened, output or file))
        return
    report = fix_report(str(file), fixed, written)
    if session.json:
        session.answer("dockerfile-fix", report)
        return
    if not written:
        sys.stdout.write(difference(fixed, opened, file))
    render_fix(report, session.out)


def rules_for(level: options.Level, only: list[str] | None, skip: list[str] | None) -> "list[Rule]":
    """The rules that the command line means; raises UsageError."""
    from slimml.dockerfile.fix import chosen_rules
    from slimml.dockerfile.rule import Risk
    from slimml.dockerfile.rules.registry import check_rules, find_rule

    check_rules(only or (), "--only")
    check_rules(skip or (), "--skip")
    for name in only or ():
        if not find_rule(name).edits:
            raise UsageError(f"--only {name}: the rule only tells; slimml dockerfile explain {name} says why")
    risks = [Risk(risk) for risk in _RISKS[level.value]]
    return [*chosen_rules(only=only or (), skip=skip or (), risks=risks)]


def difference(fixed: "Fixed", opened: Opened, new: Path) -> str:
    """A diff of the Dockerfile, and of the other files that rules make, each hunk with its reasons and bytes."""
    from slimml.dockerfile.hunks import Trail, diff_text
    from slimml.report.sizes import size

    saved: dict[str, int] = {}
    for one in fixed.applied:
        saved[one.rule.id] = saved.get(one.rule.id, 0) + (one.saves or 0)
    reasons = {
        one.rule.id: f"{one.rule.id}: {one.rule.title}"
        + (f" (about {size(saved[one.rule.id])})" if saved[one.rule.id] else "")
        for one in fixed.applied
    }
    text = diff_text(fixed.hunks, str(opened.path), str(new), reasons)
    for file in fixed.files:
        before = opened.build.context.text(file.path)
        trail = Trail(before or "")
        trail.step(file.text, ["dockerignore"])
        place = str((opened.build.context.directory or Path()) / file.path)
        text += diff_text(trail.hunks(), place if before is not None else "/dev/null", place, reasons)
    return text


def write_fixed(fixed: "Fixed", opened: Opened, target: Path) -> list[str]:
    """Write the result to `target`, and other files into the context; each appears whole. What was written."""
    from slimml.cli.whole_file import write_whole

    written = []
    if fixed.after != fixed.before or target != opened.path:
        write_whole(target, fixed.after)
        written.append(str(target))
    for file in fixed.files:
        place = (opened.build.context.directory or Path()) / file.path
        write_whole(place, file.text.encode("utf-8", "surrogateescape"))
        written.append(str(place))
    return written


def explain(session: Session, rule: RuleName = None) -> None:
    """Say what a rule is about, what it does and why; list all rules."""
    from slimml.dockerfile.rules.registry import RULES, find_rule
    from slimml.report.dockerfile import render_rules, rule_report

    found = [find_rule(rule)] if rule else [*RULES]
    reports = [rule_report(one) for one in found]
    if session.json:
        session.answer("dockerfile-rules", rules=reports)
    else:
        render_rules(reports, session.out)


def from_image(session: Session, image: options.ImageArgument, output: Output = None) -> None:
    """Write down the Dockerfile of an image, and mark what is guessed."""
    from slimml.cli.reading import inventory_of, open_named
    from slimml.cli.whole_file import write_whole
    from slimml.dockerfile.copied_files import hides_names, single_files
    from slimml.dockerfile.reconstruct import reconstruct

    opened = open_named(image, session)
    # Layers are read only where the history has checksums for names.
    files = single_files(inventory_of(opened, session)) if hides_names(opened.config) else None
    found = reconstruct(opened.config, str(opened.reference), opened.manifest.annotations, files)
    if output is not None:
        write_whole(output, found.text)
    if session.json:
        session.answer(
            "dockerfile-from",
            text=found.text.decode("utf-8", "replace"),
            base=found.base,
            base_layers=found.base_layers,
            unknown=found.unknown,
        )
        return
    if output is None:
        sys.stdout.write(found.text.decode("utf-8", "replace"))
    for line in found.unknown:
        session.remark(line)
