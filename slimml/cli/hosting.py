"""The options of commands that run programs out of directories of this machine, in place of images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.probing import Runtime
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.engine.side_by_side import SideBySide

Venvs = Annotated[
    list[Path] | None,
    typer.Option(
        "--host-venv",
        metavar="DIR",
        help="In place of an image: a virtual environment of this machine, as it is; repeatable.",
        show_default=False,
    ),
]
Roots = Annotated[
    list[Path] | None,
    typer.Option(
        "--host-root",
        metavar="DIR",
        help="In place of an image: an unpacked root of this machine; repeatable.",
        show_default=False,
    ),
]
WorkDirectory = Annotated[
    Path | None,
    typer.Option(
        "--host-directory",
        metavar="DIR",
        help="Where programs of --host-venv run; the current directory unless given.",
        show_default=False,
    ),
]


def directories_of(
    images: list[str],
    venvs: list[Path] | None,
    roots: list[Path] | None,
    directory: Path | None,
    runtime: Runtime,
) -> "SideBySide | None":
    """The directories that stand for images, None where images are named; raises UsageError for both or neither,
    NotFound.
    """
    if not venvs and not roots:
        if directory is not None:
            raise UsageError("--host-directory is where programs of a --host-venv run; there is none")
        if not images:
            raise UsageError("name an IMAGE, or a directory of this machine with --host-venv or --host-root")
        return None
    if images:
        raise UsageError(f"{images[0]}: images and --host-venv or --host-root exclude each other; name one kind only")
    if venvs and roots:
        raise UsageError("--host-venv and --host-root exclude each other: they are not run the same way")
    if roots and directory is not None:
        raise UsageError("--host-directory is for --host-venv; programs of a root run in /")
    if runtime is not Runtime.AUTO:
        raise UsageError(f"--runtime {runtime.value} is for images; directories of this machine run without an engine")
    from slimml.engine.host import HostEngine
    from slimml.engine.side_by_side import SideBySide

    if venvs:
        return SideBySide([HostEngine(venv=venv, directory=directory) for venv in venvs])
    return SideBySide([HostEngine(root=root) for root in roots or []])
