"""The model of stages: what each begins with, installs, copies and needs, and what a container of it runs."""

import pytest

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


def installs(text):
    return [
        (one.manager.value, [package.name for package in one.packages], [word.value for word in one.files],
         [word.value for word in one.projects])
        for one in only(text).installs
    ]  # fmt: skip


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


@pytest.mark.parametrize(
    ("run", "found"),
    [
        ("apt-get install -y --no-install-recommends -t stable gcc=12 g++:amd64", ("apt", ["gcc", "g++"], [], [])),
        ("sudo -E apt install git", ("apt", ["git"], [], [])),
        ("apk add --no-cache --virtual .deps gcc", ("apk", ["gcc"], [], [])),
        ("yum -y install libgomp", ("dnf", ["libgomp"], [], [])),
        ("pip3 install 'torch==2.1' 'numpy[x]>=1' a~=1", ("pip", ["torch", "numpy", "a"], [], [])),
        ("python3.11 -m pip install -r a.txt --requirement=b.txt -c c.txt", ("pip", [], ["a.txt", "b.txt"], [])),
        ("pip install -e . ./w/*.whl git+https://x/y", ("pip", [], [], [".", "./w/*.whl", "git+https://x/y"])),
        ("pip install 'a @ https://x/a.whl' b", ("pip", ["b"], [], ["a @ https://x/a.whl"])),
        ("uv pip install --system -r r.txt", ("pip", [], ["r.txt"], [])),
        ("uv sync --frozen --no-dev", ("uv", [], [], [])),
        ("conda env create -f env.yml -n ml", ("conda", [], ["env.yml"], [])),
        ("mamba install -y -c conda-forge dask=2023", ("conda", ["dask"], [], [])),
        ("conda run -n ml pip install x", ("pip", ["x"], [], [])),
        ("npm ci", ("npm", [], [], [])),
        ("npm install -g @scope/tool@1.2 yarn", ("npm", ["@scope/tool", "yarn"], [], [])),
        ("env A=b $HOME/bin/pip install $UNKNOWN", ("pip", [None], [], [])),
        ("poetry install --only main", ("poetry", [], [], [])),
    ],
)
def test_what_is_installed_is_known(run, found):
    assert installs(f"RUN {run}\n") == [found]


@pytest.mark.parametrize(
    "run", ["apt-get update", "pip list", "conda clean -a", "npm run build", "python setup.py install"]
)
def test_what_installs_nothing_is_no_install(run):
    assert installs(f"RUN {run}\n") == []
