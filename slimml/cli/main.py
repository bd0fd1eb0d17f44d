"""The program: all commands under one name, and how it ends (docs/exit-codes.md)."""

import atexit
import gc
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from slimml import __version__
from slimml.allocation import keep_freed_memory
from slimml.errors import SlimmlError, UsageError

UNEXPECTED = 70
"""EX_SOFTWARE of sysexits(3): a fault in slimml itself"""
INTERRUPTED = 130
"""128 + SIGINT, as shells count"""

COMMANDS = (
    "analyze",
    "explore",
    "init",
    "record",
    "optimize",
    "verify",
    "bench",
    "profile",
    "diff",
    "check",
    "history",
    "trend",
    "report",
    "restore",
    "copy",
    "validate",
    "cache",
    "schema",
    "demo",
    "models",
    "native",
    "dockerfile",
)
"""in the order of the help; each is a module of slimml.cli that registers a command of its name"""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"slimml {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
]


def _program(version: Version = False) -> None:
    del version


def make_app(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """The command line with these commands."""
    # Rich help and tracebacks would cost every start 50 ms of imports.
    app = typer.Typer(
        name="slimml",
        help="Makes ML container images small and quick to start, and proves that they still work.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_program)
    for command in commands:
        import_module(f"slimml.cli.{command}").register(app)
    return app


def _wanted(words: Sequence[str]) -> Sequence[str]:
    """The commands that a command line needs: making all of them takes a quarter of the start."""
    completing = any(name.endswith("_COMPLETE") for name in os.environ)
    return words[:1] if words[:1] and words[0] in COMMANDS and not completing else COMMANDS


def run() -> NoReturn:
    """The console script: run the command line and leave with its exit code."""
    # A command makes rows by the hundred thousand and hardly a cycle: looking for some often takes a tenth of its time.
    gc.set_threshold(200_000, 20, 50)
    keep_freed_memory()
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads any more; the interpreter would complain when it flushes again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or 1
    if threading.active_count() == 1:
        # What is left is to free, piece by piece, what goes with the process: a tenth of a second after an analysis.
        atexit._run_exitfuncs()
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def main(words: list[str]) -> int:
    """Run the command in `words`; the exit code. Errors become one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = make_app(_wanted(words))(words or ["--help"], prog_name="slimml", standalone_mode=False)
    except SlimmlError as error:
        return _complain(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", INTERRUPTED)
    except SystemExit as leaving:
        # Typer and rich leave this way when nobody reads their output any more.
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        return _unexpected(error, debug="--debug" in words)
    if result == INTERRUPTED:
        return _complain("interrupted", INTERRUPTED)
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception, *, debug: bool) -> int:
    # Typer's own errors about the command line; their class has moved between its versions, their method has not.
    describe = getattr(error, "format_message", None)
    if describe is not None:
        return _complain(f"{describe()} (slimml --help shows the commands)", UsageError.exit_code)
    if debug:
        import traceback

        traceback.print_exception(error)
    hint = "" if debug else "; --debug shows where"
    return _complain(f"unexpected {type(error).__name__}: {error}{hint}; this is a fault in slimml", UNEXPECTED)


def _complain(message: str, code: int) -> int:
    from slimml.report.untrusted import visible

    if message:
        sys.stderr.write(f"slimml: error: {visible(' '.join(message.split()))}\n")
    return code
