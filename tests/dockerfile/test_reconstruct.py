"""A Dockerfile from an image without one: what it says, what it admits, and that builders can read it."""

import json
from pathlib import Path

import pytest
from histories import as_buildkit_tells
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_image import tiny

from slimml.dockerfile.copied_files import single_files
from slimml.dockerfile.document import parse
from slimml.dockerfile.history import read_entry
from slimml.dockerfile.locate import locate_history
from slimml.dockerfile.reconstruct import reconstruct
from slimml.dockerfile.stages import read_stages
from slimml.inventory.take import take_inventory
from slimml.oci.config import parse_config

HERE = Path(__file__).parent
UNSAID = ("json-forms", "escape-backtick-windows")
"""Their commands are exec forms, whose words no history tells apart, and of a shell that slimml does not read."""
CORPUS = [path for path in sorted((HERE / "corpus").glob("*.Dockerfile")) if path.stem not in UNSAID]
REAL = ["ocr", "onnx-api", "sklearn-batch", "torch-api"]
RECIPES = HERE.parents[1] / "benchmarks" / "images"


def real(name):
    """The configuration of an image that Docker's classic builder made."""
    return parse_config((HERE / "configs" / f"{name}.json").read_bytes())


def made(*history, **runtime):
    """A configuration; entries that are given as (text,) made no layer."""
    entries = [
        {"created_by": one[0], "empty_layer": True} if isinstance(one, tuple) else {"created_by": one}
        for one in history
    ]
    layers = sum(not isinstance(one, tuple) for one in history)
    return parse_config(
        json.dumps(
            {"architecture": "amd64", "os": "linux", "config": runtime, "history": entries,
             "rootfs": {"type": "layers", "diff_ids": [f"sha256:{number:064x}" for number in range(layers)]}}
        ).encode()
    )  # fmt: skip


def lines_of(config, **more):
    text = reconstruct(config, "image", **more).text.decode()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def commands(document):
    return [one.arguments.text for one in document.instructions if one.name == "RUN"]


@pytest.mark.parametrize("name", REAL)
def test_the_commands_of_real_images_are_those_of_their_dockerfiles(name):
    written = parse((RECIPES / name / "Dockerfile").read_bytes())
    assert commands(parse(reconstruct(real(name), name).text)) == commands(written)


@pytest.mark.parametrize("name", REAL)
def test_containers_of_real_images_would_run_the_same(name):
    written = read_stages(parse((RECIPES / name / "Dockerfile").read_bytes()))[-1]
    rebuilt = read_stages(parse(reconstruct(real(name), name).text))[-1]
    assert [(one.user, one.workdir, one.command.words) for one in (rebuilt,)] == [
        (written.user, written.workdir, written.command.words)
    ]


@pytest.mark.parametrize("name", REAL)
def test_every_step_of_a_real_history_has_its_line(name):
    config = real(name)
    document = parse(reconstruct(config, name).text)
    places = locate_history(document, [entry.created_by for entry in config.history])
    assert [place.inherited for place in places] == [True] + [False] * (len(places) - 1)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_commands_of_a_file_of_the_corpus_come_back(path):
    written = parse(path.read_bytes())
    history = [entry for entry, _ in as_buildkit_tells(written)]
    rebuilt = parse(reconstruct(made(*history), "image").text)
    again = [entry for entry, _ in as_buildkit_tells(rebuilt)]
    assert [entry.split() for entry in again if entry.startswith("RUN")] == [
        entry.split() for entry in history if entry.startswith("RUN")
    ]


def test_a_base_that_nobody_knows_is_asked_for():
    assert lines_of(real("ocr"))[:2] == ["ARG BASE", "FROM ${BASE}"]


def test_an_annotation_names_the_base():
    found = reconstruct(
        made("RUN /bin/sh -c x"), "image", {"org.opencontainers.image.base.name": "docker.io/library/python:3.11"}
    )
    assert (found.base, b"# guess" in found.text) == ("docker.io/library/python:3.11", False)


def test_a_base_is_guessed_from_its_environment_and_said_to_be_a_guess():
    config = made(
        "# debian.sh --arch 'amd64' out/ 'bookworm' '@1717372800'", ("ENV PYTHON_VERSION=3.11.9",), "RUN make",
        ('CMD ["python3"]',), "RUN pip install x", Env=["PYTHON_VERSION=3.11.9", "GPG_KEY=A0"],
    )  # fmt: skip
    found = reconstruct(config, "image")
    assert (found.base, found.base_entries, found.base_layers) == ("python:3.11.9-slim", 4, 2)
    assert b"# guess: PYTHON_VERSION" in found.text


def test_a_history_from_its_first_step_on_is_built_from_scratch():
    assert reconstruct(made("COPY a /a", "RUN b"), "image").base == "scratch"


def test_an_image_without_a_history_says_so():
    config = parse_config(
        json.dumps(
            {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}, "config": {"Cmd": ["a"]}}
        ).encode()
    )
    text = reconstruct(config, "image").text.decode()
    assert ("the image has no history" in text, '# CMD ["a"]' in text) == (True, True)


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ("RUN /bin/sh -c pip install x # buildkit", "RUN pip install x"),
        ('RUN /bin/sh -c echo "a  b" # buildkit', 'RUN echo "a  b"'),
        ("RUN /bin/sh -c --help # buildkit", 'RUN ["/bin/sh", "-c", "--help"]'),
        ('/bin/sh -c ["a", "b c"]', 'RUN ["a", "b c"]'),
        ("RUN pip check # buildkit", 'RUN ["pip", "check"]'),
        ("/bin/sh -c #(nop) COPY file:0a in /app/app.py ", "COPY app.py /app/app.py"),
        ("/bin/sh -c #(nop) COPY file:0a in /app/ ", "COPY FILE /app/"),
        ("/bin/sh -c #(nop) ADD dir:0a in /app ", "ADD . /app"),
        ("COPY a.txt b /x/ # buildkit", "COPY a.txt b /x/"),
        ("EXPOSE map[80/tcp:{} 53/udp:{}]", "EXPOSE 80/tcp 53/udp"),
        ("VOLUME [/a /b]", 'VOLUME ["/a", "/b"]'),
        ('CMD ["/bin/sh" "-c" "a && b"]', "CMD a && b"),
        ('ENTRYPOINT ["a" "b c"]', 'ENTRYPOINT ["a", "b c"]'),
        ("ENV A=two words", 'ENV A="two words"'),
        ('ENV A=$HOME "x"', 'ENV A="\\$HOME \\"x\\""'),
        ("/bin/sh -c #(nop) HEALTHCHECK --interval=3s CMD echo ok", "HEALTHCHECK --interval=3s CMD echo ok"),
        ("SHELL [/bin/bash -c]", 'SHELL ["/bin/bash", "-c"]'),
    ],
)
def test_a_step_is_an_instruction_again(entry, line):
    assert lines_of(made("RUN first", entry))[2:] == [line]


def test_the_healthcheck_of_the_configuration_is_known():
    config = made(
        "RUN a", ("HEALTHCHECK &{[\"CMD-SHELL\" \"x || y\"] \"30s\" \"0s\" \"0s\" '\\x03'}",),
        Healthcheck={"Test": ["CMD-SHELL", "x || y"], "Interval": 30_000_000_000, "Retries": 3},
    )  # fmt: skip
    assert lines_of(config)[-1] == "HEALTHCHECK --interval=30s --retries=3 CMD x || y"


def test_values_of_build_arguments_are_left_out():
    text = reconstruct(made("RUN |1 TOKEN=hunter2 /bin/sh -c pip install x # buildkit"), "image").text.decode()
    assert ("hunter2" in text, "ARG TOKEN\n" in text) == (False, True)


def test_another_shell_is_set_before_its_command():
    assert lines_of(made("RUN /bin/bash -o pipefail -c a | b # buildkit"))[1:] == [
        'SHELL ["/bin/bash", "-o", "pipefail", "-c"]', "RUN a | b",
    ]  # fmt: skip


def test_a_shell_of_its_own_is_no_part_of_its_commands():
    config = made(("SHELL [conda run -n ml /bin/bash -c]",), "RUN conda run -n ml /bin/bash -c pip check # buildkit")
    assert lines_of(config)[1:] == [
        'SHELL ["conda", "run", "-n", "ml", "/bin/bash", "-c"]', "RUN pip check",
    ]  # fmt: skip


def test_a_file_has_the_name_that_its_layer_gives_it():
    config = made("RUN first", "/bin/sh -c #(nop) COPY file:0a in /app/ ")
    assert lines_of(config, layer_paths={1: ["app/requirements.txt"]})[-1] == "COPY requirements.txt /app/"


def test_the_layers_of_an_image_tell_the_names_of_files_that_were_copied():
    image = tiny({"bin/x": b"x", "bin/y": b"y"}, {"app/requirements.txt": b"numpy"})
    assert single_files(take_inventory(image)) == {1: ["app/requirements.txt"]}


def test_two_values_without_quotes_are_sure_when_the_configuration_has_them():
    history = ["RUN a", ("ENV A=1 B=2 C=3",)]
    sure = reconstruct(made(*history, Env=["A=1", "B=2", "C=3"]), "image").steps[-1].rebuilt
    unsure = reconstruct(made(*history, Env=["A=1 B=2", "C=3"]), "image").steps[-1].rebuilt
    assert (sure.certainty, unsure.certainty) == ("known", "guessed")


def test_a_long_chain_has_a_line_for_each_command():
    text = " && ".join(f"apt-get install -y package-{number}-with-a-long-name" for number in range(3))
    document = parse(reconstruct(made(f"RUN /bin/sh -c {text} # buildkit"), "image").text)
    run = document.instructions[-1]
    assert (run.end_line - run.line, run.arguments.text.split()) == (2, text.split())


def test_a_script_of_a_heredoc_is_a_heredoc_again():
    config = made("RUN /bin/sh -c set -e\nls\n # buildkit")
    assert lines_of(config)[1:] == ["RUN <<'EOF'", "set -e", "ls", "EOF"]


def test_a_heredoc_within_a_command_stays_there():
    config = made("RUN /bin/sh -c cat <<A > /a\none\nA # buildkit")
    assert lines_of(config)[1:] == ["RUN cat <<A > /a", "one", "A"]


@pytest.mark.parametrize(
    "entry",
    ["USER a\nRUN evil", "USER a\\", "ENV A=b\nRUN evil", "WORKDIR /x\\", "RUN /bin/sh -c a\\ # buildkit",
     "LABEL a=\"\nRUN evil", "/bin/sh -c #(nop) COPY file:0a in /x\nRUN evil"],
)  # fmt: skip
def test_a_history_cannot_add_instructions(entry):
    document = parse(reconstruct(made("COPY a /a", entry, "USER last"), "image").text)
    assert document.instructions[-1].values == ("last",)
    assert not any(value.startswith("evil") for one in document.instructions for value in one.values)


@pytest.mark.parametrize(
    "entry", ["RUN /bin/sh -c echo \x1b[2J # buildkit", "USER \x1b[2J", "COPY \x1b[2J /x # buildkit"]
)
def test_no_terminal_is_steered(entry):
    config = made("RUN a", entry, Cmd=["\x1b[2J"], Healthcheck={"Test": ["CMD-SHELL", "\x1b[2J"]})
    assert b"\x1b" not in reconstruct(config, "image\x1b").text


SAID = st.sampled_from(["RUN", "COPY", "ENV", "CMD", "USER", "LABEL", "EXPOSE", "SHELL", "ARG", "HEALTHCHECK", "ADD"])
CLASSIC = st.sampled_from(["COPY file:0a in", "ADD", "ENV", "CMD", "WORKDIR"])
HISTORIES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.builds("{} {}".format, SAID, st.text(max_size=30)),
        st.builds("/bin/sh -c #(nop) {} {}".format, CLASSIC, st.text(max_size=20)),
        st.builds("|1 {} /bin/sh -c {}".format, st.text(max_size=9), st.text(max_size=30)),
    ),
    max_size=5,
)


@given(HISTORIES)
@settings(max_examples=100, deadline=None)
def test_any_history_gives_a_file_that_builders_read(history):
    found = reconstruct(made(*history, Env=["A=b"]), "image\n# not a name")
    parse(found.text)


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_entry_can_be_read(created_by):
    read_entry(created_by)
