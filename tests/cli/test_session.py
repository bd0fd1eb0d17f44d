"""What the shared options say wins over the settings, and they win over the defaults."""

import pytest

from slimml.cli.session import begin, parse_limits
from slimml.errors import UsageError

NOTHING = {"json": False, "quiet": None, "no_color": False, "debug": False}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("SLIMML_PLATFORM", "SLIMML_QUIET", "SLIMML_INSECURE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_options_win_over_variables_over_files(elsewhere, monkeypatch):
    (elsewhere / "slimml.toml").write_text('platform = "linux/s390x"\n')
    assert str(begin(NOTHING).access.platform) == "linux/s390x"
    monkeypatch.setenv("SLIMML_PLATFORM", "linux/arm64")
    assert str(begin(NOTHING).access.platform) == "linux/arm64"
    assert str(begin(NOTHING | {"platform": "linux/arm/v7"}).access.platform) == "linux/arm/v7"


def test_limits_of_the_command_go_over_those_of_the_file(elsewhere):
    (elsewhere / "slimml.toml").write_text("[limits]\nlayers = 5\nmembers = 6\n")
    limits = begin(NOTHING | {"limit": ["layers=7"]}).access.limits
    assert (limits.layers, limits.members) == (7, 6)


def test_the_engine_s_store_is_read_unless_told(elsewhere):
    assert begin(NOTHING).access.read_store
    assert not begin(NOTHING | {"no_store": True}).access.read_store


@pytest.mark.parametrize("words", ["layers", "layers=", "layers=many", "layers=-1", "=3"])
def test_a_limit_is_a_name_and_a_number(words):
    with pytest.raises(UsageError, match="--limit"):
        begin(NOTHING | {"limit": [words]})


def test_limits_may_be_grouped_by_underscores():
    assert parse_limits(["layers=1_000"]) == {"layers": 1000}


def test_an_unknown_limit_is_named():
    with pytest.raises(UsageError, match="--limit lairs: no such limit; known: capture_bytes"):
        begin(NOTHING | {"limit": ["lairs=3"]})
