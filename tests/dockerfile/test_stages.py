"""The model of stages: what each begins with, copies and needs, and what a container of it runs."""

from slimml.dockerfile.document import parse
from slimml.dockerfile.stages import lineage, needed, read_stages

TWO = """\
ARG PY=3.11
FROM python:${PY} AS build
WORKDIR /src
COPY req.txt ./
RUN pip install -r req.txt && apt-get install -y gcc
ENV PATH=/venv/bin:/bin
FROM python:${PY}-slim AS run
COPY --from=build /venv /venv
RUN --mount=type=bind,from=tools:1,source=/x,target=/y --mount=type=cache,target=/root/.cache sh /y
FROM run
USER 1000
ENTRYPOINT ["python"]
CMD ["-m", "app"]
"""


def stages_of(text):
    return read_stages(parse(text.encode()))


def only(text):
    (stage,) = stages_of("FROM base\n" + text)
    return stage


def test_a_stage_begins_with_an_image_or_a_stage():
    assert [(one.name, one.base, one.parent) for one in stages_of(TWO)] == [
        ("build", "python:3.11", None), ("run", "python:3.11-slim", None), ("", None, 1),
    ]  # fmt: skip


def test_a_build_argument_chooses_the_base():
    assert read_stages(parse(TWO.encode()), {"PY": "3.12"})[0].base == "python:3.12"


def test_a_stage_needs_what_it_copies_from_and_builds_on():
    assert [set(one.needs) for one in stages_of(TWO)] == [set(), {0}, {1}]


def test_a_target_needs_the_needs_of_its_needs():
    assert needed(stages_of(TWO), 2) == {0, 1, 2}


def test_layers_come_from_the_lineage():
    assert [one.index for one in lineage(stages_of(TWO), 2)] == [1, 2]


def test_copies_say_where_from_and_where_to():
    copies = [copy for one in stages_of(TWO) for copy in one.copies]
    assert [(c.sources, c.destination, c.stage, c.image, c.mounted) for c in copies] == [
        (("req.txt",), "/src/", None, None, False),
        (("/venv",), "/venv", 0, None, False),
        (("/x",), "/y", None, "tools:1", True),
    ]  # fmt: skip


def test_what_a_container_runs_is_known():
    final = stages_of(TWO)[2]
    assert (final.user, final.entrypoint.words, final.command.words) == ("1000", ("python",), ("-m", "app"))


def test_an_entrypoint_clears_the_command_of_the_base():
    stages = stages_of('FROM a AS x\nCMD ["b"]\nFROM x\nENTRYPOINT ["c"]\n')
    assert stages[1].command is None


def test_the_working_directory_of_a_base_is_not_known():
    assert only("WORKDIR app\n").workdir is None


def test_a_relative_working_directory_is_below_the_one_before():
    assert only("WORKDIR /a\nWORKDIR b/../c\n").workdir == "/a/c"


def test_inline_files_are_no_sources():
    assert only("COPY <<EOF /etc/x\ny\nEOF\n").copies[0].sources == ()


def test_each_step_knows_the_directory_it_stands_in():
    (stage,) = stages_of("FROM a\nRUN x\nWORKDIR /a\nRUN y\nWORKDIR b\nRUN z\n")
    assert [step.workdir for step in stage.steps if step.instruction.name == "RUN"] == [None, "/a", "/a/b"]


def test_a_stage_begins_in_the_directory_of_the_stage_it_continues():
    stages = stages_of("FROM a AS x\nWORKDIR /a\nFROM x\nRUN y\n")
    assert stages[1].steps[0].workdir == "/a"
