"""What `created_by` says, without what builders put around it."""

import pytest

from slimml.bloat.build_step import build_step


@pytest.mark.parametrize(
    ("created_by", "step"),
    [
        ('/bin/sh -c #(nop)  CMD ["python3"]', 'CMD ["python3"]'),
        ("/bin/sh -c #(nop) ADD file:abc in / ", "ADD file:abc in /"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("RUN /bin/sh -c pip install torch # buildkit", "RUN pip install torch"),
        ("RUN |2 A=b C=d e /bin/sh -c make all # buildkit", "RUN make all"),
        ("|1 TOKEN=topsecret /bin/sh -c pip install x", "RUN pip install x"),
        ("RUN /bin/bash -o pipefail -c set -ex; curl x | tar xz # buildkit", "RUN set -ex; curl x | tar xz"),
        ("RUN |1 A=b /bin/bash -o pipefail -c make # buildkit", "RUN make"),
        ("COPY . /app # buildkit", "COPY . /app"),
        ("/bin/sh -c set -eux; \t\tapt-get update; \n rm x", "RUN set -eux; apt-get update; rm x"),
        ("crane flatten sha256:abc", "crane flatten sha256:abc"),
        ("", ""),
    ],
)
def test_a_step_reads_as_it_was_written(created_by, step):
    assert build_step(created_by) == step


def test_escape_sequences_cannot_reach_a_terminal():
    assert build_step("COPY \x1b]0;owned\x07\u202ea /b") == "COPY ]0;owned a /b"


@pytest.mark.parametrize(
    "created_by",
    [
        "RUN /bin/sh -c pip install --index-url https://user:topsecret@index.example/simple x",
        "RUN /bin/sh -c HF_TOKEN=topsecret python fetch.py",
        "RUN /bin/sh -c curl -H 'x: ghp_0123456789topsecretABCDEFGHIJKL' y",
        "RUN |1 KEY=topsecret /bin/sh -c make",
    ],
)
def test_credentials_are_masked(created_by):
    assert "topsecret" not in build_step(created_by)


def test_a_variable_that_holds_a_secret_is_shown_by_its_name():
    assert build_step("RUN /bin/sh -c TOKEN=$TOKEN make") == "RUN TOKEN=$TOKEN make"
