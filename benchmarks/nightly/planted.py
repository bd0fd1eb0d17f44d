"""A small git repository of a service whose image grows and starts slower at commits that are known.

Everything in it is made from fixed seeds, names and dates, so that the commits have the same ids on every machine.
"""

import os
import random
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BYTES = "bytes"
PROCESSOR = "processor time"
"""what a commit can change: what is stored and pulled, the time on processors of a start"""

_FIRST_DAY = 1_767_225_600
"""2026-01-01 in seconds; a commit a day from then on"""
_WEIGHTS, _CHECKPOINT = 1_000_000, 20_000_000
_SLOW_MILLISECONDS = 150

SERVICE = '''"""A ranking service: POST /rank orders items by the score that the weights give them."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ranking import rank


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, {"status": "ok"})

    def do_POST(self):
        items = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["items"]
        self.answer(200, {"ranked": rank(items)})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
'''

RANKING = '''"""Scores of items, by their weights."""

from array import array
from pathlib import Path

WEIGHTS = array("f")
WEIGHTS.frombytes(Path(__file__).with_name("weights.bin").read_bytes())


def rank(items):
    return sorted(items, key=lambda item: -WEIGHTS[item % len(WEIGHTS)])
'''

VARIANTS = f'''"""Spelling variants of words, made anew at each import: {_SLOW_MILLISECONDS} ms of processor time."""

import time

VARIANTS = {{}}
_until = time.process_time() + {_SLOW_MILLISECONDS / 1000}
while time.process_time() < _until:
    for word in range(1000):
        VARIANTS[word] = str(word)[::-1]
'''

DOCKERFILE = """FROM python:3
COPY . /opt/app
WORKDIR /opt/app
EXPOSE 8000
CMD ["python3", "service.py"]
"""


@dataclass(frozen=True)
class Commit:
    """A commit to be made: its message, files as text or bytes (None removes one), and what it was planted to change,
    1 for more and -1 for less.
    """

    message: str
    files: Mapping[str, str | bytes | None]
    plants: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """A commit that was made; `id` as git names it."""

    id: str
    commit: Commit


def commits() -> list[Commit]:
    """The whole history, the first commit first. Those that plant nothing change what people change from day to day."""
    weights = random.Random(1).randbytes(_WEIGHTS)
    checkpoint = random.Random(2).randbytes(_CHECKPOINT)
    with_variants = RANKING.replace("from pathlib import Path\n", "from pathlib import Path\n\nimport variants\n")
    looked_up = with_variants + "\n\ndef known(word):\n    return variants.VARIANTS.get(word)\n"
    documented = SERVICE.replace("class Handler(BaseHTTPRequestHandler):\n", _documented("Answers GET and POST."))
    typed = looked_up.replace("def rank(items):", "def rank(items: list[int]) -> list[int]:")
    return [
        Commit(
            "Rank items by their weights",
            {"service.py": SERVICE, "ranking.py": RANKING, "weights.bin": weights, "Dockerfile": DOCKERFILE},
        ),
        Commit("Say what the service is for", {"README.md": "# Ranking\n\nOrders items, best first.\n"}),
        Commit("Say what the handler does", {"service.py": documented}),
        Commit("Test the order", {"test_ranking.py": _test("[3, 14, 159]")}),
        Commit("Tell how to run it", {"README.md": "# Ranking\n\nOrders items, best first.\n\n    make run\n"}),
        Commit("Ignore what Python leaves", {".dockerignore": "__pycache__\n*.pyc\n"}),
        Commit("Keep the checkpoint beside the weights", {"checkpoint.bin": checkpoint}, {BYTES: 1}),
        Commit("Test items that are far out", {"test_ranking.py": _test("[3, 14, 159, 2653589]")}),
        Commit("Name the licence", {"LICENSE": "Apache-2.0\n"}),
        Commit("Say where the weights come from", {"WEIGHTS.md": "Trained on clicks of a year.\n"}),
        Commit(
            "Know words by their variants", {"variants.py": VARIANTS, "ranking.py": with_variants}, {PROCESSOR: 1}
        ),
        Commit("Look words up", {"ranking.py": looked_up}),
        Commit("Say what types rank takes", {"ranking.py": typed}),
        Commit("Say who looks after it", {"OWNERS": "ranking-team\n"}),
        Commit("Leave the checkpoint where it was made", {"checkpoint.bin": None}, {BYTES: -1}),
        Commit("Test that order is stable", {"test_ranking.py": _test("[3, 3, 14, 159]")}),
        Commit("List what changed", {"CHANGES.md": "- Words are known by their variants.\n"}),
        Commit("Count a version", {"VERSION": "1.1\n"}),
    ]  # fmt: skip


def make_repository(directory: Path) -> list[Made]:
    """Make the repository in the empty `directory`; its commits, the first one first."""
    _git(directory, "init", "-q", "-b", "main")
    made = []
    for day, commit in enumerate(commits()):
        for name, content in commit.files.items():
            if content is None:
                (directory / name).unlink()
            else:
                (directory / name).write_bytes(content.encode() if isinstance(content, str) else content)
        _git(directory, "add", "-A")
        _git(directory, "commit", "-q", "-m", commit.message, day=day)
        made.append(Made(_git(directory, "rev-parse", "HEAD"), commit))
    return made


def files_at(repository: Path, commit: str) -> dict[str, bytes]:
    """The files of a commit, by path, as `COPY .` would take them."""
    names = _git(repository, "ls-tree", "-r", "--name-only", commit).splitlines()
    return {
        name: subprocess.run(
            ["git", "cat-file", "blob", f"{commit}:{name}"], cwd=repository, capture_output=True, check=True
        ).stdout
        for name in names
    }


def _documented(words: str) -> str:
    return f'class Handler(BaseHTTPRequestHandler):\n    """{words}"""\n\n'


def _test(items: str) -> str:
    return f"from ranking import rank\n\n\ndef test_nothing_is_lost():\n    assert sorted(rank({items})) == {items}\n"


def _git(directory: Path, *words: str, day: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for role in ("AUTHOR", "COMMITTER"):
        person = {"NAME": "A. Author", "EMAIL": "author@example.org", "DATE": f"@{_FIRST_DAY + 86_400 * day} +0000"}
        environment |= {f"GIT_{role}_{key}": value for key, value in person.items()}
    asked = subprocess.run(["git", *words], cwd=directory, env=environment, capture_output=True, text=True, check=True)
    return asked.stdout.strip()
