"""From an image's history to the lines of its Dockerfile, as each builder writes histories."""

from pathlib import Path

import pytest
from histories import as_buildkit_tells
from hypothesis import given, settings
from hypothesis import strategies as st

from slimml.dockerfile.document import parse
from slimml.dockerfile.history import read_entry, words_of
from slimml.dockerfile.locate import locate_history, locate_line

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.Dockerfile"))

DOCKERFILE = b"""\
ARG PY=3.11
FROM python:${PY} AS build
RUN pip install x
FROM python:${PY}-slim
ARG INDEX=https://example.com/simple
ENV A=1 B="two words"
WORKDIR /srv
RUN apt-get update && \\
    # compilers
    apt-get install -y gcc
COPY requirements.txt ./
COPY --from=build /venv /venv
RUN pip install -r requirements.txt
RUN ["pip", "check"]
RUN <<EOF
echo one
EOF
USER 1000
EXPOSE 8000
CMD python -m app
"""
CLASSIC = [
    "/bin/sh -c #(nop) ADD file:0123abc in / ",
    '/bin/sh -c #(nop)  CMD ["bash"]',
    "/bin/sh -c #(nop)  ARG INDEX=https://example.com/simple",
    "/bin/sh -c #(nop)  ENV A=1 B=two words",
    "/bin/sh -c #(nop) WORKDIR /srv",
    "|1 INDEX=https://example.com/simple /bin/sh -c apt-get update &&     apt-get install -y gcc",
    "/bin/sh -c #(nop) COPY file:0123abc in ./ ",
    "/bin/sh -c #(nop) COPY dir:0123abc in /venv ",
    "|1 INDEX=https://example.com/simple /bin/sh -c pip install -r requirements.txt",
    "|1 INDEX=https://example.com/simple pip check",
    "/bin/sh -c #(nop)  USER 1000",
    "/bin/sh -c #(nop)  EXPOSE 8000",
    '/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "python -m app"]',
]
CLASSIC_LINES = [4, 4, 5, 6, 7, 8, 11, 12, 13, 14, 18, 19, 20]
BUILDKIT = [
    "# debian.sh --arch 'amd64' out/ 'bookworm' '@1700000000'",
    'CMD ["python3"]',
    "ARG INDEX=https://example.com/simple",
    "ENV A=1 B=two words",
    "WORKDIR /srv",
    "RUN |1 INDEX=https://example.com/simple /bin/sh -c apt-get update &&     apt-get install -y gcc # buildkit",
    "COPY requirements.txt ./ # buildkit",
    "COPY /venv /venv # buildkit",
    "RUN |1 INDEX=https://example.com/simple /bin/sh -c pip install -r requirements.txt # buildkit",
    "RUN |1 INDEX=https://example.com/simple pip check # buildkit",
    "RUN |1 INDEX=https://example.com/simple /bin/sh -c echo one\n # buildkit",
    "USER 1000",
    "EXPOSE map[8000/tcp:{}]",
    'CMD ["/bin/sh" "-c" "python -m app"]',
]
BUILDKIT_LINES = [4, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 18, 19, 20]


def lines_of(history, dockerfile=DOCKERFILE):
    return [place and place.line for place in locate_history(parse(dockerfile), history)]


@pytest.mark.parametrize(
    ("history", "lines"), [(CLASSIC, CLASSIC_LINES), (BUILDKIT, BUILDKIT_LINES)], ids=["classic builder", "BuildKit"]
)
def test_each_step_is_found(history, lines):
    assert lines_of(history) == lines


def test_what_is_older_than_the_file_is_of_the_base():
    places = locate_history(parse(DOCKERFILE), CLASSIC)
    assert [place.inherited for place in places] == [True, True] + [False] * 11


def test_a_base_that_says_the_same_stays_the_base():
    found = locate_history(parse(b"FROM a\nRUN x\n"), ["/bin/sh -c x", "/bin/sh -c x"])
    assert [(place.line, place.inherited) for place in found] == [(1, True), (2, False)]


def test_a_step_that_the_file_does_not_have_is_nobodys():
    assert lines_of(["RUN a", "RUN b", "RUN c"], b"FROM x\nRUN a\nRUN c\n") == [2, None, 3]


def test_a_history_of_another_image_is_nowhere():
    assert lines_of(["RUN other", 'CMD ["sh"]'], b"FROM x\nRUN a\n") == [None, None]


def test_an_earlier_target_is_found():
    assert lines_of(["RUN a", "RUN b"], b"FROM x AS one\nRUN a\nRUN b\nFROM y\nRUN c\n") == [2, 3]


def test_a_stage_that_builds_on_another_has_its_lines():
    assert lines_of(["ADD file:1 in /", "RUN a", "RUN b"], b"FROM x AS one\nRUN a\nFROM one\nRUN b\n") == [1, 2, 4]


def test_a_step_alone_is_found():
    assert locate_line(parse(DOCKERFILE), "/bin/sh -c pip install -r requirements.txt") == 13


def test_a_step_that_two_lines_could_have_made_is_not_guessed():
    assert locate_line(parse(b"FROM a\nRUN x\nRUN x\n"), "RUN /bin/sh -c x # buildkit") is None


@pytest.mark.parametrize(
    ("created_by", "found"),
    [
        ("/bin/sh -c #(nop)  CMD [\"a\" \"b\"]", ("CMD", '["a" "b"]', (), "")),
        ("|2 A=b c D= /bin/sh -c make -j", ("RUN", "make -j", ("A=b c", "D="), "/bin/sh -c")),
        ("RUN /bin/bash -o pipefail -c a | b # buildkit", ("RUN", "a | b", (), "/bin/bash -o pipefail -c")),
        ("pip check", ("", "pip check", (), "")),
        ("RUN pip check", ("RUN", "pip check", (), "")),
        ("", ("", "", (), "")),
    ],
)  # fmt: skip
def test_an_entry_is_read(created_by, found):
    entry = read_entry(created_by)
    assert (entry.instruction, entry.text, entry.arguments, entry.shell) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [('["a" "b c"]', ("a", "b c")), ('["a","b"]', ("a", "b")), ("[]", ()), ("a b", None), ('["a]', None)],
)
def test_words_of_an_exec_form_are_read(text, words):
    assert words_of(text) == words


@given(st.lists(st.one_of(st.sampled_from([*CLASSIC, *BUILDKIT]), st.text(max_size=20)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_history_is_told_in_order(history):
    lines = [place.line for place in locate_history(parse(DOCKERFILE), history) if place]
    assert lines == sorted(lines)


def test_a_very_long_history_is_left_alone():
    assert set(lines_of(["RUN a"] * 501, b"FROM x\nRUN a\n")) == {None}


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_history_of_a_file_of_the_corpus_leads_back_to_it(path):
    document = parse(path.read_bytes())
    told = list(as_buildkit_tells(document))
    assert [place and place.line for place in locate_history(document, [entry for entry, _ in told])] == [
        line for _, line in told
    ]
