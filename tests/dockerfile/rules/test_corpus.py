"""All rules on all Dockerfiles of the corpus: what they make parses, stays, and keeps the bytes that no rule meant."""

from collections import Counter
from functools import cache
from pathlib import Path

import dockerfile as oracle
import pytest
from hadolint_issues import hadolint, needs_hadolint, worse
from hypothesis import given, settings
from hypothesis import strategies as st

from slimml.dockerfile.build import open_build
from slimml.dockerfile.context import BuildContext
from slimml.dockerfile.fix import chosen_rules, fix
from slimml.dockerfile.rule import Risk

CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.Dockerfile"))
RULES = chosen_rules(risks=tuple(Risk))
LINES = (
    "RUN apt-get update",
    "RUN apt-get update && apt-get install -y curl git # tools",
    "RUN apt-get install -y build-essential libpq-dev \\\n    # the client\n    vim",
    "RUN set -ex; apt-get update; apt-get install -y wget; rm -rf /var/lib/apt/lists/*",
    "RUN pip install torch 'opencv-python' \"numpy<2\"",
    "RUN cd /app && pip install -r requirements.txt || true",
    "RUN ( pip install x ) > /log 2>&1 &",
    "RUN <<EOF\npip install flask\napt-get update\nEOF",
    "RUN --mount=type=cache,target=/root/.cache pip install flask",
    'RUN ["pip", "install", "flask"]',
    "RUN useradd app && chown -R app:app /app",
    "RUN echo \"a && b\" 'c # d' \\\n\n  && true",
    "COPY . /app",
    "COPY a.tar.gz /tmp/a.tar.gz",
    "RUN tar -xzf /tmp/a.tar.gz -C /data",
    "RUN rm /tmp/a.tar.gz",
    "WORKDIR /app",
    "ENV PATH=/x:$PATH",
    "ARG DEBIAN_FRONTEND=noninteractive",
    "USER app",
    "EXPOSE 80",
    "# a comment",
    "",
    "CMD python app.py",
    'ENTRYPOINT ["python"]',
    "ONBUILD RUN pip install flask",
    "HEALTHCHECK CMD curl -f http://localhost/",
)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    directory = tmp_path_factory.mktemp("context")
    (directory / "requirements.txt").write_text("flask\npytest\n")
    (directory / "app.py").write_text("import flask\n")
    return BuildContext(directory)


@pytest.fixture(scope="module")
def mended(context):
    return cache(lambda path: fix(open_build(path.read_bytes(), context), RULES))


def instructions(data):
    return [(one.cmd, one.flags, one.value) for one in oracle.parse_string(data.decode("utf-8", "surrogateescape"))]


def lines_of(data):
    return Counter(line.rstrip(b"\r\n") for line in data.splitlines(keepends=True))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_rules_make_of_it_parses_and_stays(path, context, mended):
    fixed = mended(path)
    assert instructions(fixed.after)
    following = context
    for file in fixed.files:
        following = following.with_file(file.path, file.text)
    assert fix(open_build(fixed.after, following), RULES).after == fixed.after


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_line_that_no_hunk_takes_away_is_still_there(path, mended):
    fixed = mended(path)
    taken = Counter(
        line[1:].encode("utf-8", "surrogateescape").rstrip(b"\r\n")
        for hunk in fixed.hunks
        for line in hunk.lines
        if line.startswith("-")
    )
    assert lines_of(fixed.before) - taken <= lines_of(fixed.after)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_line_ends_stay(path, mended):
    fixed = mended(path)
    if b"\r\n" in fixed.before and b"\n" not in fixed.before.replace(b"\r\n", b""):
        assert b"\n" not in fixed.after.replace(b"\r\n", b"")
    assert fixed.after.startswith(b"\xef\xbb\xbf") == fixed.before.startswith(b"\xef\xbb\xbf")


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["debian:12", "python:3.11", "nvidia/cuda:12.1.0-devel-ubuntu22.04", "continuumio/miniconda3"]),
    st.lists(st.sampled_from(LINES), max_size=9),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_random_files_parse_and_stay(base, lines, newline, ends):
    text = newline.join([f"FROM {base}", *(line.replace("\n", newline) for line in lines)]) + (newline if ends else "")
    fixed = fix(open_build(text.encode()), RULES)
    assert instructions(fixed.after)
    assert fix(open_build(fixed.after), RULES).after == fixed.after


@needs_hadolint
def test_hadolint_finds_fewer_issues_and_no_new_error(mended, tmp_path):
    before, after = [tmp_path / name for name in ("before", "after")]
    for path in CORPUS:
        for place, data in ((before, path.read_bytes()), (after, mended(path).after)):
            place.mkdir(exist_ok=True)
            (place / path.name).write_bytes(data)
    found = [hadolint(place) for place in (before, after)]
    counts = [sum(len(issues) for issues in one.values()) for one in found]
    assert counts[1] < counts[0]
    assert worse(*found) == (set(), set())
