"""`slimml native inspect FILE|DIR` and `slimml native trim DIR`: what an image's libraries get, outside of an image."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.session import Session, with_session
from slimml.errors import NotFound, UsageError

if TYPE_CHECKING:
    from slimml.report.native import NativeListReport

Place = Annotated[Path, typer.Argument(metavar="PATH", help="A shared object or program, or a directory of them.")]
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The directory, such as one of Python distributions.")]
GpuArch = Annotated[
    str | None,
    typer.Option(
        "--gpu-arch",
        metavar="ARCH[,ARCH]",
        help="GPUs whose code is kept: sm_90, sm_80,sm_90, or host for those of this machine.",
        show_default=False,
    ),
]
Strip = Annotated[bool, typer.Option("--strip", help="Take out symbols and debug information, too.")]
Modify = Annotated[
    bool, typer.Option("--modify-proprietary", help="Change libraries, too, whose licence forbids changed copies.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Write a copy there; else in place, with the originals in DIR.before-slimml.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
    commands.command()(with_session(images=False)(inspect))
    commands.command()(with_session(images=False)(trim))
    app.add_typer(commands, name="native", help="Look into shared libraries, and make them smaller in a directory.")


def inspect(session: Session, path: Place, gpu_arch: GpuArch = None) -> None:
    """Say where a native file's bytes are, GPU code by architecture."""
    from slimml.native.architectures import parse_targets
    from slimml.report.native import render_native

    report = _inspected(path, parse_targets(gpu_arch) if gpu_arch else ())
    if session.json:
        session.answer("native", report)
    else:
        render_native(report, session.out)


def trim(
    session: Session,
    directory: Directory,
    gpu_arch: GpuArch = None,
    strip: Strip = False,
    modify_proprietary: Modify = False,
    output: Output = None,
) -> None:
    """Make the shared libraries of a directory smaller."""
    from slimml.native.architectures import parse_targets
    from slimml.report.native import render_trim, trim_report
    from slimml.slim.replacing.choose import MEANING
    from slimml.slim.replacing.directory import trim_directory

    if not gpu_arch and not strip:
        raise UsageError("nothing was asked for: name the GPUs whose code is kept (--gpu-arch sm_90), or say --strip")
    if modify_proprietary:
        session.remark(f"--modify-proprietary changes libraries of every licence; of some, {MEANING}")
    found = trim_directory(
        directory,
        output,
        parse_targets(gpu_arch) if gpu_arch else (),
        strip=strip,
        modify_proprietary=modify_proprietary,
        progress=session.progress,
    )
    report = trim_report(found)
    if session.json:
        session.answer("native-trim", report)
    else:
        render_trim(report, session.out)


def _inspected(path: Path, targets: tuple[int, ...]) -> "NativeListReport":
    """A file, which has to be a native one, or those of a directory that have GPU code."""
    from slimml.errors import Unsupported
    from slimml.native.inspect import inspect_file
    from slimml.oci.beneath import told
    from slimml.report.native import NativeListReport, native_report
    from slimml.slim.replacing.directory import native_files

    if not path.exists():
        raise NotFound(f"{path}: there is no such file")
    files, unread = [], {}
    for file in native_files(path) if path.is_dir() else [path]:
        name = str(file.relative_to(path)) if path.is_dir() else str(path)
        try:
            found = inspect_file(file)
        except OSError as error:
            raise told(error, str(file)) from None
        except Unsupported as error:
            if not path.is_dir():
                raise
            unread[name] = str(error)
            continue
        if found.gpu or not path.is_dir():
            files.append(native_report(name, found, targets))
    return NativeListReport(str(path), tuple(files), unread)
