"""Every rule: a bad case that it mends or tells, a good one that it has nothing to say of, one that it leaves alone."""

from dataclasses import dataclass, field
from textwrap import dedent

import dockerfile as oracle
import pytest

from slimml.dockerfile.build import open_build
from slimml.dockerfile.context import BuildContext
from slimml.dockerfile.fix import fix
from slimml.dockerfile.rules.registry import BY_ID, RULES


@dataclass(frozen=True)
class Case:
    """`bad` becomes a text with `mended` in it and without `gone`; `leave` stays as it is. Files are of the context."""

    rule: str
    bad: str
    good: str
    leave: str
    mended: str = ""
    gone: str = ""
    files: dict = field(default_factory=dict)
    buildkit: bool = False


SERVICE = {"requirements.txt": "flask\npytest\n", "app.py": "import flask\n"}
CASES = [
    Case(
        "apt-update-install",
        "FROM debian\nRUN apt-get update\n# why\nRUN apt-get install -y git\n",
        "FROM debian\nRUN apt-get update && apt-get install -y git\n",
        "FROM debian\nRUN apt-get update\nRUN ./install.sh\n",
        "RUN apt-get update && \\\n# why\n    apt-get install -y git\n",
    ),
    Case(
        "apt-recommends",
        "FROM debian\nRUN apt-get update && apt-get install -y curl\n",
        "FROM debian\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n",
        "FROM debian\nRUN echo 'APT::Install-Recommends 0;' > /etc/apt/apt.conf.d/x && apt-get install -y git\n",
        "install --no-install-recommends -y curl ca-certificates",
    ),
    Case(
        "apt-lists",
        "FROM debian\nRUN apt-get update \\\n && apt-get install -y git\n",
        "FROM debian\nRUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*\n",
        "FROM debian\nRUN apt-get update && apt-get install -y git\nRUN apt-get install -y curl\n",
        "install -y git \\\n && rm -rf /var/lib/apt/lists/*\n",
    ),
    Case(
        "apt-clean",
        "FROM example.org/ours:1\nRUN apt-get update && apt-get install -y git\n",
        "FROM debian:12\nRUN apt-get update && apt-get install -y git\n",
        "FROM example.org/ours:1\nRUN apt-get update && apt-get install -y git && exit 0\n",
        "git && apt-get clean\n",
    ),
    Case(
        "cache-mounts",
        "FROM python\nRUN pip install flask\n",
        "FROM python\nRUN --mount=type=cache,target=/root/.cache/pip pip install flask\n",
        "FROM python\nUSER app\nRUN pip install flask\n",
        "RUN --mount=type=cache,target=/root/.cache/pip pip install flask",
        buildkit=True,
    ),
    Case(
        "pip-cache",
        "FROM python\nRUN python3 -m pip install -r requirements.txt  # all\n",
        "FROM python\nENV PIP_NO_CACHE_DIR=1\nRUN pip install flask\n",
        "FROM python\nRUN bash -c \"$(cat steps)\" pip install flask\nRUN [\"pip\", \"install\", \"flask\"]\n",
        "pip install --no-cache-dir -r requirements.txt  # all\n",
    ),
    Case(
        "uv-cache",
        "FROM python\nRUN uv sync --frozen\n",
        "FROM python\nRUN --mount=type=cache,target=/root/.cache/uv uv sync\n",
        "FROM python\nENV UV_CACHE_DIR=/cache\nRUN uv pip install flask\n",
        "RUN uv --no-cache sync --frozen",
    ),
    Case(
        "conda-cache",
        "FROM continuumio/miniconda3\nRUN conda env create -f env.yml\n",
        "FROM mambaorg/micromamba\nRUN micromamba install -y numpy && micromamba clean --all --yes\n",
        "FROM continuumio/miniconda3\nRUN conda install -y numpy || exit 1 &\n",
        "env.yml && conda clean -afy\n",
    ),
    Case(
        "npm-cache",
        "FROM node:20\nRUN npm ci && npm run build\n",
        "FROM node:20\nRUN npm ci && npm cache clean --force\n",
        "FROM node:20\nRUN npm ci && exec npm run build\n",
        "npm run build && npm cache clean --force\n",
    ),
    Case(
        "cpu-torch",
        "FROM python\nRUN pip install torch==2.5.1\n",
        "FROM python\nRUN pip install torch --index-url https://download.pytorch.org/whl/cpu\n",
        "FROM nvidia/cuda:12.4.1-base-ubuntu22.04\nRUN pip install torch\n",
        "install --index-url https://download.pytorch.org/whl/cpu torch==2.5.1",
    ),
    Case(
        "opencv-headless",
        "FROM python\nRUN pip install 'opencv-python==4.10.0.84' numpy\n",
        "FROM python\nRUN pip install opencv-python-headless\n",
        "FROM python\nRUN pip install opencv-python ultralytics\n",
        "'opencv-python-headless==4.10.0.84'",
    ),
    Case(
        "tensorflow-cpu",
        "FROM python\nRUN pip install tensorflow==2.16.1\n",
        "FROM python\nRUN pip install tensorflow-cpu==2.16.1\n",
        "FROM nvidia/cuda:12.4.1-base-ubuntu22.04\nRUN pip install tensorflow\n",
        "tensorflow-cpu==2.16.1",
    ),
    Case(
        "cuda-devel",
        "FROM nvidia/cuda:12.1.0-cudnn8-devel-ubuntu22.04\nRUN pip install vllm\n",
        "FROM nvidia/cuda:12.1.0-cudnn8-runtime-ubuntu22.04\nRUN pip install vllm\n",
        "FROM nvidia/cuda:12.1.0-devel-ubuntu22.04\nRUN pip install flash-attn --no-build-isolation\n",
        "FROM nvidia/cuda:12.1.0-cudnn8-runtime-ubuntu22.04\n",
    ),
    Case(
        "cuda-twice",
        "FROM nvidia/cuda:12.1.0-runtime-ubuntu22.04\nRUN pip install torch\n",
        "FROM nvidia/cuda:12.1.0-base-ubuntu22.04\nRUN pip install torch\n",
        "FROM nvidia/cuda:12.1.0-runtime-ubuntu22.04\nRUN pip install torch onnxruntime-gpu\n",
        "FROM nvidia/cuda:12.1.0-base-ubuntu22.04\n",
    ),
    Case(
        "slim-base",
        "ARG V=3.11\nFROM python:${V}\nRUN git clone https://example.org/x /x && pip install mpi4py\n",
        "FROM python:3.11-slim\nRUN pip install flask\n",
        "FROM python:3.11@sha256:" + "0" * 64 + "\nRUN pip install flask\n",
        "FROM python:${V}-slim\nRUN apt-get update && apt-get install -y --no-install-recommends git gcc libopenmpi-",
    ),
    Case(
        "dev-dependencies",
        "FROM python\nCOPY . /app\nWORKDIR /app\nRUN pip install -r requirements.txt\nCMD [\"python\", \"app.py\"]\n",
        "FROM python\nRUN pip install flask\n",
        "FROM python\nCOPY . /app\nWORKDIR /app\nRUN pip install -r requirements.txt && pytest tests\n",
        "sed -E '/^(pytest)([^A-Za-z0-9._-]|$)/Id' requirements.txt > /tmp/requirements-run.txt"
        " && pip install -r /tmp/requirements-run.txt",
        files=SERVICE,
    ),
    Case(
        "copy-order",
        "FROM python\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"x\"]",
        "FROM python\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\n",
        "FROM python\nWORKDIR /app\nCOPY . .\nRUN python make.py\nRUN pip install -r requirements.txt\n",
        "COPY requirements.txt ./\nRUN pip install -r requirements.txt\nCOPY . .\nCMD",
        files=SERVICE,
    ),
    Case(
        "chown-copy",
        "FROM python\nRUN useradd app\nCOPY . /app\nRUN chown -R app:app /app\nUSER app\n",
        "FROM python\nRUN useradd app\nCOPY --chown=app:app . /app\n",
        "FROM python\nRUN useradd app\nCOPY . /app\nRUN python make.py\nRUN chown -R app:app /app\n",
        "COPY --chown=app:app . /app\nUSER app\n",
        "chown -R",
    ),
    Case(
        "removed-later",
        "FROM debian\nRUN wget https://example.org/a.zip && unzip a.zip -d /a\nRUN rm a.zip\n",
        "FROM debian\nRUN wget https://example.org/a.zip && unzip a.zip -d /a && rm a.zip\n",
        "FROM debian\nRUN cd /tmp && wget https://example.org/a.zip\nRUN rm a.zip\n",
        "unzip a.zip -d /a && \\\n    rm a.zip\n",
    ),
    Case(
        "add-archive",
        "FROM debian\nCOPY d.tar.gz /tmp/\nRUN tar -xzf /tmp/d.tar.gz -C /data\nRUN rm -f /tmp/d.tar.gz\n",
        "FROM debian\nADD d.tar.gz /data/\n",
        "FROM debian\nCOPY d.tar.gz /tmp/\nRUN tar -xzf /tmp/d.tar.gz -C /data --strip-components=1\n",
        "FROM debian\nADD d.tar.gz /data/\n",
        "RUN",
    ),
    Case(
        "dockerignore",
        "FROM python\nCOPY . /app\n",
        "FROM python\nCOPY app.py /app/\n",
        "FROM python\nCOPY . /app\nRUN git describe > /version\n",
        files={".git/HEAD": "ref: refs/heads/main\n", "app.py": ""},
    ),
    Case(
        "exec-form",
        "FROM python:3.12\nCMD python  app.py --name 'two words'\n",
        'FROM python:3.12\nCMD ["python", "app.py"]\n',
        "FROM python:3.12\nCMD python app.py --port $PORT\n",
        'CMD ["python", "app.py", "--name", "two words"]\n',
    ),
    Case(
        "multi-stage",
        "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y gcc libpq-dev\nWORKDIR /app\nCOPY . .\n"
        'RUN pip install psycopg2\nRUN python make.py\nEXPOSE 80\nCMD ["python", "app.py"]\n',
        "FROM python:3.12-slim\nRUN pip install flask\n",
        "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y gcc\nRUN curl https://x.org/i | sh\n",
        "\nFROM python:3.12-slim\nENV PATH=/opt/venv/bin:$PATH\nRUN apt-get update && apt-get install -y "
        "--no-install-recommends libpq5 \\\n    && rm -rf /var/lib/apt/lists/*\n"
        "COPY --from=build /opt/venv /opt/venv\nCOPY --from=build /app /app\nWORKDIR /app\nEXPOSE 80\nCMD",
    ),
    Case("secrets", "FROM a\nENV HF_TOKEN=hf\n", "FROM a\nENV TOKENIZERS_PARALLELISM=no\n", "FROM a\nARG API_KEY\n"),
    Case(
        "piped-shell",
        "FROM a\nRUN curl -fsSL https://x.org/i.sh | sh\n",
        "FROM a\nRUN curl -fsSLO https://x.org/i.sh && echo 'abc  i.sh' | sha256sum -c && sh i.sh\n",
        "FROM a\nRUN wget -qO- https://x.org/i | bash -s -- -y\n",
    ),
    Case("root-user", 'FROM a\nCMD ["x"]\n', "FROM a\nUSER app\n", "FROM a\nUSER app\nRUN x\nUSER root\n"),
    Case("healthcheck", "FROM a\nEXPOSE 8\n", "FROM a\nEXPOSE 8\nHEALTHCHECK CMD x\n", "FROM a AS b\nFROM b\nEXPOSE 1"),
    Case("workdir", "FROM a\nWORKDIR app\n", "FROM a\nWORKDIR /app\nWORKDIR sub\n", "FROM a\nRUN make && cd /app\n"),
    Case("pinned-base", "FROM a:1\n", f"FROM a:1@sha256:{'0' * 64}\n", "FROM a AS b\n"),
    Case(
        "weights-layer",
        "FROM a\nCOPY . /app\nRUN huggingface-cli download org/model\n",
        "FROM a\nRUN huggingface-cli download org/model\nCOPY . /app\n",
        "FROM a\nRUN pip install x && hf download org/model\n",
    ),
    Case(
        "pip-wheels",
        "FROM python\nCOPY wheels /wheels\nRUN pip install /wheels/*.whl\n",
        "FROM python AS build\nRUN pip wheel -w /wheels x\nFROM python\nCOPY --from=build /opt/venv /opt/venv\n",
        "FROM python\nRUN pip download -d /w x\n",
    ),
]  # fmt: skip
IDS = [case.rule for case in CASES]
EDITING = [case for case in CASES if BY_ID[case.rule].edits]
TELLING = [case for case in CASES if not BY_ID[case.rule].edits]


def look(case, text, directory):
    for path, content in case.files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(content)
    build = open_build(text.encode(), BuildContext(directory), buildkit=case.buildkit)
    return build, [*BY_ID[case.rule].look(build)], fix(build, [BY_ID[case.rule]])


def test_each_rule_has_a_case():
    assert sorted(IDS) == sorted(rule.id for rule in RULES)


@pytest.mark.parametrize("case", EDITING, ids=lambda case: case.rule)
def test_a_bad_case_is_mended(case, tmp_path):
    _, _, fixed = look(case, case.bad, tmp_path)
    after = fixed.after.decode()
    assert fixed.changed
    assert case.mended in after
    assert not case.gone or case.gone not in after


@pytest.mark.parametrize("case", EDITING, ids=lambda case: case.rule)
def test_what_is_mended_parses_and_stays(case, tmp_path):
    build, _, fixed = look(case, case.bad, tmp_path)
    oracle.parse_string(fixed.after.decode())
    context = build.context
    for file in fixed.files:
        context = context.with_file(file.path, file.text)
    again = fix(open_build(fixed.after, context, buildkit=case.buildkit), [BY_ID[case.rule]])
    assert not again.changed


@pytest.mark.parametrize("case", TELLING, ids=lambda case: case.rule)
def test_a_bad_case_is_told(case, tmp_path):
    _, findings, _ = look(case, case.bad, tmp_path)
    assert findings


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_good_case_is_not_spoken_of(case, tmp_path):
    _, findings, _ = look(case, case.good, tmp_path)
    assert findings == []


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_what_must_not_be_touched_is_not(case, tmp_path):
    build, findings, fixed = look(case, case.leave, tmp_path)
    assert fixed.after == build.document.data
    assert not fixed.files
    assert all(finding.kept or not finding.edits for finding in findings)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_why_in_words(rule):
    assert rule.link.startswith("https://")
    assert rule.reason.endswith(".")
    assert rule.title[0].isupper() or rule.title.startswith(("apt", "pip", "uv", "npm", "conda", "torch", "chown"))


def test_a_dockerignore_is_completed(tmp_path):
    case = next(case for case in CASES if case.rule == "dockerignore")
    (tmp_path / ".dockerignore").write_text("*.md")
    _, _, fixed = look(case, case.bad, tmp_path)
    assert [(file.path, file.text) for file in fixed.files] == [(".dockerignore", "*.md\n.git\n")]


def test_multi_stage_gives_files_to_their_user_at_once(tmp_path):
    text = dedent("""\
        FROM python:3.12-slim
        RUN apt-get update && apt-get install -y build-essential curl
        RUN pip install flask
        COPY . /app
        WORKDIR /app
        RUN useradd -m app && chown -R app:app /app
        USER app
        # how it starts
        CMD ["python", "app.py"]
        """)
    fixed = fix(open_build(text.encode(), BuildContext(tmp_path)), [BY_ID["multi-stage"]])
    assert fixed.after.decode().endswith(dedent("""\
        FROM python:3.12-slim
        ENV PATH=/opt/venv/bin:$PATH
        RUN useradd -m app && mkdir -p /app && chown app:app /app
        COPY --from=build /opt/venv /opt/venv
        COPY --from=build --chown=app:app /app /app
        WORKDIR /app
        USER app
        # how it starts
        CMD ["python", "app.py"]
        """))  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "RUN nltk.sh",
        "RUN python -c 'import nltk; nltk.download(\"punkt\")'",
        "RUN pip install --user gunicorn",
        "USER 1000\nRUN pip install gunicorn",
        'SHELL ["/bin/bash", "-c"]',
        "RUN apt-get purge -y gcc",
        "ENV PATH=/usr/bin",
        'HEALTHCHECK CMD ["/usr/local/bin/check"]',
        "COPY rootfs /",
    ],
)
def test_multi_stage_leaves_alone_what_it_cannot_tell_apart(line, tmp_path):
    text = f"FROM python:3.12\nRUN apt-get update && apt-get install -y gcc\nWORKDIR /app\nRUN pip install x\n{line}\n"
    build = open_build(text.encode(), BuildContext(tmp_path))
    (finding,) = BY_ID["multi-stage"].look(build)
    assert finding.kept


def test_a_tool_that_is_called_stays(tmp_path):
    (tmp_path / "app.py").write_text("import subprocess\nsubprocess.run(['git', 'status'])\n")
    text = "FROM python:3.12\nRUN apt-get update && apt-get install -y gcc git\nRUN pip install x\nCOPY . /app\n"
    fixed = fix(open_build(text.encode(), BuildContext(tmp_path)), [BY_ID["multi-stage"]])
    assert b"--no-install-recommends git \\" in fixed.after
