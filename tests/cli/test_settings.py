"""Settings: the nearest file, variables over it, and errors that name the key and the nearest known one."""

from pathlib import Path

import pytest

from slimml.errors import UsageError
from slimml.report.configuration import reference
from slimml.settings import Settings, load


def write(directory: Path, name: str, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)
    return directory


def test_without_a_file_the_defaults_hold(tmp_path):
    assert load(tmp_path, {}) == Settings()


def test_a_file_above_the_directory_is_found(tmp_path):
    write(tmp_path, "slimml.toml", 'platform = "linux/arm64"\n[optimize]\nlevel = "likely"\nkeep = ["/app/**"]\n')
    below = write(tmp_path / "a" / "b", "other", "")
    settings = load(below, {})
    assert (settings.platform, settings.optimize.level, settings.optimize.keep) == (
        "linux/arm64",
        "likely",
        ("/app/**",),
    )


def test_the_nearest_file_wins(tmp_path):
    write(tmp_path, "slimml.toml", "quiet = true\n[analyze]\ntop = 3\n")
    below = write(tmp_path / "project", "pyproject.toml", "[tool.slimml.analyze]\ntop = 5\n")
    settings = load(below, {})
    assert (settings.analyze.top, settings.quiet) == (5, False)


def test_a_pyproject_without_our_table_is_passed_over(tmp_path):
    write(tmp_path, "slimml.toml", "[analyze]\ntop = 3\n")
    below = write(tmp_path / "project", "pyproject.toml", "[tool.other]\nx = 1\n")
    assert load(below, {}).analyze.top == 3


def test_a_variable_wins_over_the_file(tmp_path):
    write(tmp_path, "slimml.toml", "[optimize]\nskip = ['a']\nflatten = true\n[limits]\nlayers = 5\n")
    settings = load(
        tmp_path,
        {"SLIMML_OPTIMIZE_SKIP": "b, c", "SLIMML_OPTIMIZE_FLATTEN": "no", "SLIMML_LIMITS_LAYERS": "7"},
    )
    assert (settings.optimize.skip, settings.optimize.flatten, settings.limits.layers) == (("b", "c"), False, 7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[optimize]\nlevle = 'safe'\n", "unknown setting 'optimize.levle'; did you mean 'level'?"),
        ("plattform = 'x'\n", "unknown setting 'plattform'; did you mean 'platform'?"),
        ("read_store = true\n", "did you mean 'read-store'?"),
        ("[optimize]\nlevel = 'bold'\n", "optimize.level should be one of safe, likely, all, is 'bold'"),
        ("[optimize]\nkeep = 'x'\n", "optimize.keep should be a list of texts"),
        ("[analyze]\ntop = true\n", "analyze.top should be a whole number, is True"),
        ("[limits]\nlayers = -1\n", "limits.layers should be at least 1"),
        ("optimize = 3\n", "'optimize' should be a table"),
        ("insecure = true\n", "'insecure' is not taken from files; use SLIMML_INSECURE or --insecure"),
        ("quiet = \n", "is not TOML"),
    ],
)
def test_a_wrong_file_is_an_error_that_says_what(tmp_path, text, message):
    write(tmp_path, "slimml.toml", text)
    with pytest.raises(UsageError) as error:
        load(tmp_path, {})
    assert message in str(error.value)


def test_a_wrong_variable_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UsageError, match="SLIMML_QUIET should be true or false, is 'maybe'"):
        load(tmp_path, {"SLIMML_QUIET": "maybe"})


def test_the_reference_is_current():
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text("utf-8") == reference()
