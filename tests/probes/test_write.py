"""Suites as TOML, and back."""

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimml.engine.container import Mount, Resources
from slimml.errors import Unsupported
from slimml.probes.probe import BatchProbe, CommandProbe, Compare, FileProbe, HttpProbe, Ready, Suite
from slimml.probes.read import read_suite
from slimml.probes.write import suite_text, toml_value

HTTP = HttpProbe(
    "rank", "/rank", 8000, method="POST", headers={"Content-Type": "application/json"}, body=b'{"a": [1, "\xc3\xa9"]}'
)
SUITES = [
    Suite((HTTP,), "x", ready=Ready(http="/health", port=8000)),
    Suite(
        (replace(HTTP, body=b'{"a":null}', port=81, status=404, contains=("x",), timeout=1.5),),
        "x",
        ready=Ready(tcp=8000),
    ),
    Suite((replace(HTTP, body=b"{}", method="PUT"),), "x", ready=Ready(tcp=8000, timeout=3)),
    Suite((HttpProbe("t", "/t", 1, method="POST", headers={"A": "b"}, body=b""),), "x", ready=Ready(log="go")),
    Suite((CommandProbe("c", ("sh", "-c", "x"), code=3, alone=True, output=("o",), stdin=b"", timeout=9),), "x"),
    Suite((CommandProbe("c", ("/bin/sh", "-c", "a && b"), code=0, user="u", directory="/d"),), "x", ready=Ready(tcp=1)),
    Suite(
        (CommandProbe("c", ("c",), code=0, errors=("e",), excluded=("n",), excluded_errors=("m",), alone=True),), "x"
    ),
    Suite((BatchProbe("b", ("j", "k"), outputs=("/o/*",), compare=Compare(0.1, 0.2, ("code",), stderr=True)),), "x"),
    Suite((BatchProbe("b", environment={"A.B": "c\n\x7f"}, compare=Compare(relative=0.5)),), "x"),
    Suite((FileProbe("f", "/f", False, ("a",), ("b",), "-rwxr-xr-x", 0, 0, "any"),), "x"),
    Suite((FileProbe("f", "/f"),), "x", None, ("run",), {"A": "1"}, (), "u", False, Resources(7, 2.0, "all")),
]


@pytest.mark.parametrize("suite", SUITES)
def test_what_is_written_is_read_back(tmp_path, suite):
    path = tmp_path / "slimml.toml"
    path.write_text(suite_text(suite, ["one", "", "two\x1b[1m"], {"rank": "check"}))
    assert read_suite(path, 1) == replace(suite, origin=str(path))


def test_notes_stand_above_their_probe():
    assert '# check this\n[[probes.http]]\nname = "rank"' in suite_text(SUITES[0], notes={"rank": "check this"})


@pytest.mark.parametrize(
    "suite",
    [
        Suite((replace(HTTP, body=b"\xff"),), "x"),
        Suite((FileProbe("f", "/f"),), "x", mounts=(Mount("/a", "/b"),)),
        Suite((BatchProbe("b", mounts=(Mount("/a", "/b"),)),), "x"),
    ],
)
def test_what_the_format_lacks_is_said(suite):
    with pytest.raises(Unsupported):
        suite_text(suite)


PLAIN = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)))
def test_any_value_of_json_but_null_is_written(value):
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value
