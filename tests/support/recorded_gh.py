"""A program called gh that does nothing but write down what it was asked: GitHub itself cannot be asked here."""

import json
import sys
from pathlib import Path

_PROGRAM = """#!{python}
import json, pathlib, sys
words = sys.argv[1:]
read = {{}}
for word in words:
    path = pathlib.Path(word.removeprefix("body=@"))
    if word.startswith("body=@") or word.endswith("body.md"):
        read["body"] = path.read_text("utf-8")
with open({log!r}, "a") as log:
    log.write(json.dumps({{"words": words, **read}}) + "\\n")
answers = json.loads(pathlib.Path({answers!r}).read_text())
for start, answer in answers.items():
    if " ".join(words).startswith(start):
        print(answer["says"])
        sys.exit(answer["code"])
"""


class RecordedGh:
    """`directory` goes in front of PATH; `answers` says what the program prints to commands that begin so."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self._log, self._answers = directory / "log", directory / "answers"
        self.answer({})
        program = directory / "gh"
        program.write_text(_PROGRAM.format(python=sys.executable, log=str(self._log), answers=str(self._answers)))
        program.chmod(0o755)

    def answer(self, answers, code=0):
        self._answers.write_text(json.dumps({start: {"says": said, "code": code} for start, said in answers.items()}))

    @property
    def asked(self):
        """All calls, as `words` and the `body` that they named."""
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []
