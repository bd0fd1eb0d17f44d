"""How the program ends: exit codes, one line for an error, nothing that steers a terminal, quick help."""

import subprocess
import sys

import pytest
import typer

from slimml.cli import main as program
from slimml.errors import Refused, SlimmlError

HEAVY = ("numpy", "pyarrow", "rich", "docker", "urllib3", "zstandard", "requests", "matplotlib", "humanize", "pydantic")


def run_python(*words, **more):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, timeout=60, **more)


def ending(monkeypatch, capsys, error, *words):
    """The exit code and standard error of a program whose only command raises `error`."""
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.callback()
    def group() -> None:
        pass

    @app.command()
    def fail(debug: bool = False) -> None:
        raise error

    monkeypatch.setattr(program, "make_app", lambda commands: app)
    return program.main(["fail", *words]), capsys.readouterr().err


def every_error(kind=SlimmlError):
    yield kind
    for below in kind.__subclasses__():
        yield from every_error(below)


@pytest.mark.parametrize("kind", sorted(set(every_error()), key=lambda kind: kind.__name__))
def test_an_error_ends_with_the_code_of_its_class(monkeypatch, capsys, kind):
    more = {"LimitExceeded": ("layers",), "InvalidDockerfile": (7,)}
    code, said = ending(monkeypatch, capsys, kind("x", *more.get(kind.__name__, ())))
    assert code == kind.exit_code
    assert said.startswith("slimml: error: line 7: x" if kind.__name__ == "InvalidDockerfile" else "slimml: error: x")


def test_an_error_is_one_line_without_escapes(monkeypatch, capsys):
    _, said = ending(monkeypatch, capsys, Refused("a\nb \x1b[31mred\x1b[0m \u202egnp.exe"))
    assert said == "slimml: error: a b \\x1b[31mred\\x1b[0m \\u202egnp.exe\n"


def test_a_fault_of_ours_is_one_line_and_code_70(monkeypatch, capsys):
    code, said = ending(monkeypatch, capsys, ValueError("odd"))
    assert (code, said.count("\n")) == (70, 1)
    assert "unexpected ValueError: odd; --debug shows where" in said


def test_debug_shows_the_traceback(monkeypatch, capsys):
    _, said = ending(monkeypatch, capsys, ValueError("odd"), "--debug")
    assert "Traceback" in said


def test_an_interrupt_is_130(monkeypatch, capsys):
    assert ending(monkeypatch, capsys, KeyboardInterrupt()) == (130, "slimml: error: interrupted\n")


def test_a_reader_that_goes_away_is_no_fault(monkeypatch, capsys):
    assert ending(monkeypatch, capsys, BrokenPipeError(32, "Broken pipe")) == (1, "")


@pytest.mark.parametrize(
    "words", [["analyse"], ["analyze"], ["analyze", "x", "--bogus"], ["optimize", "x", "--level", "bold"]]
)
def test_words_that_are_not_understood_are_2_in_one_line(capsys, words):
    assert program.main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_version(capsys):
    assert program.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("slimml ")


def test_no_words_show_the_help(capsys):
    assert program.main([]) == 0
    assert "analyze" in capsys.readouterr().out


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from slimml.cli.main import main; main(['--help']);"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    assert run_python("-c", code).stderr == "[]\n"


def test_the_module_runs_as_the_script_does():
    found = run_python("-m", "slimml", "--version")
    assert (found.returncode, found.stdout[:7]) == (0, "slimml ")


def test_head_leaves_no_traceback():
    script = f"{sys.executable} -m slimml schema analysis | head -c 1"
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert found.stderr == ""
