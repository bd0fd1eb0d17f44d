"""`slimml history …`: results of bench, analyze and optimize, kept line by line."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slimml.cli.session import Session, with_session
from slimml.errors import InvalidImage, NotFound, Refused, UsageError

if TYPE_CHECKING:
    from slimml.history.documents import Keys
    from slimml.history.store import Kept

Store = Annotated[
    Path | None,
    typer.Option("--history", metavar="DIR", help="The directory of results.", show_default="slimml-history"),
]
Documents = Annotated[
    list[Path],
    typer.Argument(metavar="FILE…", help="What bench, analyze or optimize printed with --json; - is standard input."),
]
Commit = Annotated[
    str | None,
    typer.Option("--commit", metavar="HASH", help="What the image was built from; else as CI or git say."),
]
Suite = Annotated[str, typer.Option("--suite", metavar="VERSION", help="Version of what was asked of the image.")]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name", metavar="NAME", help="Name of the series; repeatable, for each image of a document.",
        show_default=False,
    ),
]  # fmt: skip
Host = Annotated[
    str | None,
    typer.Option("--host", metavar="CLASS", help="Class of machines.", show_default=False),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="When, where the document does not say (RFC 3339, UTC); else now.",
        show_default=False,
    ),
]  # fmt: skip
Image = Annotated[
    str | None, typer.Argument(metavar="[IMAGE]", help="Only of this name; all unless given.", show_default=False)
]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="GLOB", help="Only these figures; repeatable.", show_default=False),
]
Last = Annotated[int, typer.Option("--last", metavar="N", help="Only the newest of each series; 0: all.", min=0)]
Csv = Annotated[bool, typer.Option("--csv", help="A row for each figure, in place of JSON lines.")]
Before = Annotated[
    str, typer.Option("--before", metavar="YYYY-MM", help="Months before this one go.", show_default=False)
]
To = Annotated[
    Path | None,
    typer.Option("--to", metavar="DIR", help="Move them to this other history.", show_default=False),
]
Forget = Annotated[bool, typer.Option("--forget", help="Remove them for good.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Keep results of bench, analyze and optimize, and show them.", no_args_is_help=True)
    group.command()(with_session(images=False)(add))
    group.command(name="list")(with_session(images=False)(list_lines))
    group.command()(with_session(images=False)(show))
    group.command()(with_session(images=False)(export))
    group.command()(with_session(images=False)(prune))
    app.add_typer(group, name="history")


def add(
    session: Session,
    file: Documents,
    history: Store = None,
    commit: Commit = None,
    suite: Suite = "1",
    name: Names = None,
    host: Host = None,
    at: At = None,
) -> None:
    """Add results to the history: a line for each image of a document, on the disk when this ends."""
    from slimml.history.documents import results_of
    from slimml.history.store import append
    from slimml.report.history import result_objects
    from slimml.report.sizes import counted

    found = []
    for path in file:
        document = _document(path)
        found += results_of(document, _keys(document, commit, suite, tuple(name or ()), host, at))
    directory = store_of(session, history)
    added = append(directory, *found)
    if session.json:
        known = len(found) - len(added)
        session.answer("history-add", directory=str(directory), added=result_objects(added), known=known)
    else:
        there = f"; {counted(len(found) - len(added), 'result')} there already" if len(added) < len(found) else ""
        session.remark(f"{counted(len(added), 'result')} added to {directory}{there}")


def list_lines(session: Session, history: Store = None) -> None:
    """Say of which images, hosts and engines there are results."""
    from slimml.report.history import damage_objects, kept_lines, render_lines

    directory = store_of(session, history)
    kept = read_store(session, directory)
    lines = kept_lines(kept.results)
    if session.json:
        damaged = damage_objects(kept.damaged)
        session.answer("history-list", directory=str(directory), lines=lines, damaged=damaged)
    else:
        render_lines(lines, session.out)


def show(
    session: Session,
    image: Image = None,
    history: Store = None,
    host: Host = None,
    metric: Metrics = None,
    last: Last = 20,
) -> None:
    """Show results, a row each."""
    from slimml.report.history import line_of, render_results

    directory = store_of(session, history)
    kept = read_store(session, directory, image, host)
    newest: dict[Any, int] = {}
    chosen = []
    for one in reversed(kept.results):
        newest[line_of(one)] = newest.get(line_of(one), 0) + 1
        if not last or newest[line_of(one)] <= last:
            chosen.append(one)
    chosen.reverse()
    if session.json:
        _answer_results(session, directory, kept, chosen)
    else:
        render_results(chosen, metric or [], session.out)


def export(session: Session, image: Image = None, history: Store = None, host: Host = None, csv: Csv = False) -> None:
    """Print results for other programs: JSON lines as they are kept, CSV, or one document."""
    from slimml.report.history import csv_rows

    directory = store_of(session, history)
    kept = read_store(session, directory, image, host)
    if session.json:
        _answer_results(session, directory, kept, kept.results)
    elif csv:
        from csv import writer

        writer(sys.stdout, lineterminator="\n").writerows(csv_rows(kept.results))
    else:
        import msgspec

        sys.stdout.writelines(msgspec.json.encode(one).decode() + "\n" for one in kept.results)


def prune(
    session: Session,
    before: Before,
    history: Store = None,
    host: Host = None,
    to: To = None,
    forget: Forget = False,
) -> None:
    """Move whole old months to another history, or remove them for good."""
    from slimml.history.pruning import forget_months, move_months, old_months
    from slimml.report.history import render_months
    from slimml.report.sizes import counted

    if to is not None and forget:
        raise UsageError("--to keeps old months elsewhere, --forget does not: say one of them")
    directory = store_of(session, history)
    months = old_months(directory, before, host)
    told = f"{counted(sum(month.lines for month in months), 'line')} in {counted(len(months), 'file')}"
    if months and to is None and not forget:
        raise Refused(f"{told} would go; --to DIR moves them to another history, --forget removes them for good")
    if to is not None:
        move_months(months, to)
    else:
        forget_months(months)
    if session.json:
        plain = [{"path": str(month.path), "lines": month.lines, "bytes": month.bytes} for month in months]
        archive = str(to) if to is not None else None
        session.answer("history-prune", directory=str(directory), months=plain, archive=archive, done=True)
    else:
        render_months(months, session.out)
        session.remark(f"{told} " + (f"moved to {to}" if to is not None else "removed"))


def store_of(session: Session, history: Path | None) -> Path:
    """The directory of results: as given, else as set."""
    return history if history is not None else Path(session.settings.history)


def read_store(session: Session, directory: Path, image: str | None = None, host: str | None = None) -> "Kept":
    """What the store holds of an image and host class; damaged lines are told on standard error.

    Raises NotFound where there is nothing of them.
    """
    from slimml.history.store import Kept, read
    from slimml.report.history import damage_in_words

    kept = read(directory, host=host)
    for line in damage_in_words(kept.damaged):
        session.remark(f"damaged: {line}")
    results = [one for one in kept.results if image in (None, one.image)]
    if not results and (image or host):
        names = ", ".join(sorted({one.image for one in kept.results})) or "nothing"
        raise NotFound(
            f"{directory} holds no results of {image or 'images'}{f' on {host}' if host else ''}, but {names}"
        )
    return Kept(results, kept.damaged)


def _document(path: Path) -> dict[str, Any]:
    import json

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidImage(f"{path} is no text") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidImage(
            f"{path} is no JSON document; slimml bench, analyze and optimize print one with --json"
        ) from None
    if not isinstance(found, dict):
        raise InvalidImage(f"{path} is no document of slimml")
    return found


def _keys(
    document: dict[str, Any], commit: str | None, suite: str, names: tuple[str, ...], host: str | None, at: str | None
) -> "Keys":
    from dataclasses import asdict
    from datetime import UTC, datetime

    from slimml.bench.host_facts import host_facts
    from slimml.history.commit import current_commit
    from slimml.history.documents import BENCH, Keys
    from slimml.history.host_class import host_class

    here = "" if host or document.get("schema") == BENCH else host_class(asdict(host_facts()))
    return Keys(
        commit=current_commit(Path.cwd()) if commit is None else commit,
        suite=suite,
        began=at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        here=here,
        host=host,
        names=names,
    )


def _answer_results(session: Session, directory: Path, kept: "Kept", results: list[Any]) -> None:
    from slimml.report.history import damage_objects, result_objects

    damaged = damage_objects(kept.damaged)
    session.answer("history-show", directory=str(directory), results=result_objects(results), damaged=damaged)
