#!/usr/bin/env python3
"""Check README.md against the program: every `slimml …` command it names exists, every `--help` block is true.

In README.md a block that follows `<!-- output of: slimml … -->` has to be what that command prints. Options named in
commands (`slimml analyze --top …`) have to be in that command's help. Ends with 1 and says what is wrong.
"""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
_BLOCK = re.compile(r"<!-- output of: slimml (?P<words>[^>]*?) -->\n```\w*\n(?P<text>.*?)```", re.DOTALL)
_COMMAND = re.compile(r"(?:^\$ |^|`)slimml +(?P<words>[a-z][^`\n#]*)", re.MULTILINE)


@cache
def said(*words: str) -> str:
    """What the program prints on a terminal of 100 columns."""
    environment = dict(os.environ, COLUMNS="100", TERMINAL_WIDTH="100", NO_COLOR="1")
    command = [sys.executable, "-m", "slimml", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def lines(text: str) -> list[str]:
    """The lines of a text without what no reader sees."""
    return [line.rstrip() for line in text.strip().splitlines()]


def commands() -> set[str]:
    """The names of the program's commands, from its own help."""
    _, _, table = said("--help").partition("Commands:")
    return {line.split()[0] for line in table.splitlines() if re.match(r"  \S", line)}


def faults(text: str) -> list[str]:
    """What in the text is not true of the program."""
    found = []
    for block in _BLOCK.finditer(text):
        words = block["words"].split()
        if lines(block["text"]) != lines(said(*words)):
            found.append(f"the block of `slimml {' '.join(words)}` is not what it prints; it prints:\n{said(*words)}")
    known = commands()
    for command in _COMMAND.finditer(text):
        name, *rest = command["words"].split()
        if name not in known:
            found.append(f"`slimml {name}` is no command; there are: {', '.join(sorted(known))}")
            continue
        options = [word.partition("=")[0] for word in rest if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)]
        found += [f"`slimml {name}` has no option {option}" for option in options
                  if not re.search(rf"{option}\b", said(name, "--help"))]  # fmt: skip
    return found


def main() -> int:
    """Print the faults; the exit code."""
    found = faults(README.read_text("utf-8"))
    for fault in found:
        print(f"README.md: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
