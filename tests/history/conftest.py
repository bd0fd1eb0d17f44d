"""Results made up for the store, a night each."""

import pytest
from made_up import make_result

from slimml.history.store import append


@pytest.fixture
def store(tmp_path):
    """A directory with three results of one host class and month."""
    append(tmp_path / "history", *(make_result(night) for night in range(1, 4)))
    return tmp_path / "history"


@pytest.fixture
def only_file(store):
    """The one file of that store."""
    (path,) = store.glob("*/*.jsonl")
    return path
