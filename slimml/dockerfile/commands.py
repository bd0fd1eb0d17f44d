"""The commands of a RUN: programs and words with their places in the file, as a POSIX shell would read them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from slimml.dockerfile import shell as shell_text
from slimml.dockerfile.shell import read_shell
from slimml.dockerfile.spans import Span

if TYPE_CHECKING:
    from slimml.dockerfile.document import Document
    from slimml.dockerfile.instructions import Instruction

_LEAKING = frozenset(
    {"cd", "pushd", "popd", "export", "set", "umask", "source", ".", "exec", "shopt", "ulimit", "trap", "eval", "alias"}
    | {"unset", "exit", "return", "declare", "local", "readonly"}
)

_WRAPPERS = {"sudo": "ugCh", "exec": "a", "nice": "n", "time": "fo", "env": "uCS", "ionice": "cn", "command": ""}
"""Programs that run the rest of their words, with their options of one letter that take a value."""


@dataclass(frozen=True)
class ShellWord:
    """A word; `text` without its quotes and escapes. A word that is not `literal` has variables or substitutions, which
    stay in the text as they are written."""

    text: str
    span: Span
    literal: bool


@dataclass(frozen=True)
class Command:
    """A simple command: `program` is the name of its file, `words[0]` the word that says it.

    `span` covers its redirections. `operator` is what stands before it (`&&`, `||`, `;`, `|`, "" for the first);
    `nested` commands are parts of a condition, a loop, a subshell or a substitution.
    """

    program: str
    words: tuple[ShellWord, ...]
    span: Span
    operator: str
    nested: bool


@dataclass(frozen=True)
class Script:
    """All commands in the order in which they are written; `listed` are those that are not nested.

    A `plain` script is nothing but commands in a row, joined by && or ;. `end` is the file's offset behind the last
    statement, where `&& more` can follow, None where it cannot. `leaks` names the command that changes the shell itself
    (cd, export, an assignment), "" where none does.
    """

    commands: tuple[Command, ...]
    listed: tuple[Command, ...]
    plain: bool
    end: int | None
    leaks: str


def read_script(document: Document, instruction: Instruction) -> Script | None:
    """The script of an instruction in the shell's form; None for a JSON array, a heredoc, and what is no shell."""
    if instruction.json or instruction.heredocs or document.escape != "\\":
        return None
    shell = read_shell(document, instruction)
    if shell is None or not shell.sound or not shell.links:
        return None
    found = [_command(one) for one in shell.commands if one.words]
    listed = tuple(one for one in found if not one.nested)
    simple = all(link.command is not None and link.operator in ("", "&&", ";") for link in shell.links)
    assigned = next((one.assignments[0].name for one in shell.commands if one.assignments and not one.words), "")
    leaks = assigned or next((one.program for one in listed if one.program in _LEAKING), "")
    return Script(tuple(found), listed, simple, _end(instruction, shell), leaks)


def _command(one: shell_text.Command) -> Command:
    words = tuple(ShellWord(word.raw if word.value is None else word.value, word.span, word.value is not None)
                  for word in _unwrapped(one.words) or one.words)  # fmt: skip
    return Command(posixpath.basename(words[0].text), words, one.span, one.operator, bool(one.within))


def _end(instruction: Instruction, shell: shell_text.Script) -> int | None:
    last = shell.links[-1]
    if last.command is not None and last.command.name in ("exit", "exec", "return"):
        return None
    end = last.span.end
    whole = instruction.arguments.span()
    logical = instruction.arguments
    # What follows in the logical line may only be a comment: an & or a redirection takes no && behind it.
    ends = (piece.at + end - piece.source for piece in logical.pieces
            if piece.source <= end <= piece.source + piece.length)  # fmt: skip
    behind = logical.data[next(ends, len(logical.data)) :]
    if end > whole.end or (behind.strip(b" \t;") and not behind.lstrip(b" \t;").startswith(b"#")):
        return None
    return end


def _unwrapped(words: tuple[shell_text.ShellWord, ...]) -> tuple[shell_text.ShellWord, ...]:
    """The words without sudo, env, nice and the like before them, and without `conda run -n NAME`."""
    while words and (name := _basename(words[0])) in _WRAPPERS:
        at = 1
        while at < len(words) and (value := words[at].value or "").startswith("-"):
            at += 2 if len(value) == 2 and value[1] in _WRAPPERS[name] else 1
        while name in ("env", "sudo") and at < len(words) and re.match(r"\w+=", words[at].raw):
            at += 1
        words = words[at:]
    if len(words) > 1 and _basename(words[0]) in ("conda", "mamba", "micromamba") and words[1].value == "run":
        at = 2
        while at < len(words) and (value := words[at].value or "").startswith("-"):
            at += 2 if value in ("-n", "--name", "-p", "--prefix") else 1
        return _unwrapped(words[at:])
    return words


def _basename(word: shell_text.ShellWord) -> str:
    """The name of a program: also of one in a directory that is not known (`$HOME/conda/bin/pip`)."""
    return PurePosixPath(word.value or re.sub(r".*/", "", word.raw).strip("\"'")).name
