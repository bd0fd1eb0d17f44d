"""`slimml optimize --models`: what changes a model's answers is refused where nothing real judges them."""

import pytest


@pytest.fixture
def quantize(slimml, sloppy):
    return lambda *words: slimml("optimize", sloppy, "--models", "quantize", "--yes", *words)


def test_computing_in_fewer_bits_without_verifying_is_refused(quantize):
    ended = quantize("--no-verify")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "only probes can judge it" in ended.err


def test_probes_that_would_be_guessed_do_not_do(quantize, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = quantize("--runtime", "runc")
    assert ended.code in (2, 5)  # without a runtime that is what is said
    assert "guessed probes cannot judge a model" in ended.err or "runc" in ended.err


def test_an_unknown_tier_names_those_there_are(slimml, sloppy):
    ended = slimml("optimize", sloppy, "--models", "smaller")
    assert ended.code == 2
    assert "quantize" in ended.err
