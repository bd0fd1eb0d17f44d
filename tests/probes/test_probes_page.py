"""docs/probes.md: every example on it is read, and every key of the format stands on it."""

import inspect
import re
from pathlib import Path

import pytest

from slimml.probes import kinds, read
from slimml.probes.read import read_suite

PAGE = (Path(__file__).parents[2] / "docs" / "probes.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```(toml|yaml)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("language", "text"), EXAMPLES, ids=[str(number) for number in range(len(EXAMPLES))])
def test_an_example_is_read(tmp_path, language, text):
    (tmp_path / "testdata" / "models").mkdir(parents=True)
    for name in ("receipt.png", "testdata/new.csv"):
        (tmp_path / name).write_bytes(b"content")
    path = tmp_path / f"slimml.{language}"
    path.write_text(text)
    assert read_suite(path).probes


def test_every_kind_has_an_example():
    written = "\n".join(text for _, text in EXAMPLES)
    assert all(f"[[probes.{kind}]]" in written for kind in ("http", "command", "batch", "file"))


def test_every_key_is_on_the_page():
    source = inspect.getsource(kinds) + inspect.getsource(read)
    readers = "raw|text|needed|truth|whole|port|number|texts|words|pairs|table|tables|has"
    keys = set(re.findall(rf'(?:table|inner|item)\.(?:{readers})\("([a-z-]+)"', source))
    keys |= set(re.findall(r'(?:mounts_of|_patterns|url_path|_needed_words)\(table, "([a-z-]+)"', source))
    assert [
        key for key in sorted(keys) if not re.search(rf"(?:^|[\[.{{`, ]){key}(?:\]|`| =)", PAGE, re.MULTILINE)
    ] == []
