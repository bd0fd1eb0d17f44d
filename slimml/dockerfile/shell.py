"""The shell commands of RUN, CMD, ENTRYPOINT and HEALTHCHECK: simple commands with their words, each in its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath

from slimml.dockerfile.document import Document
from slimml.dockerfile.instructions import Heredoc, Instruction
from slimml.dockerfile.spans import Logical, Piece, Span, decode, encode, plain
from slimml.dockerfile.variables import DEFAULT_SHELL, Environment
from slimml.dockerfile.words import Word

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"})
_ASSIGNED = re.compile(r"\b([A-Za-z_]\w*)\+?=|\b(?:for|read|unset)\b([^;&|\n]*)")
_OPEN = Environment({}, closed=False)


@dataclass(frozen=True)
class ShellWord:
    """A word of a command. `value` is None when only the run can tell (a substitution, an unknown variable).

    `pattern`: the value has `*`, `?` or `[`, which the shell replaces by names of files.
    """

    raw: str
    value: str | None
    span: Span
    pattern: bool = False


@dataclass(frozen=True)
class Assignment:
    """`NAME=value` before a command, or alone."""

    name: str
    value: ShellWord | None
    """None where nothing stands behind the `=`"""
    span: Span


@dataclass(frozen=True)
class Redirection:
    """`>`, `2>&1`, `<<EOF`…; `target` is None for heredocs."""

    operator: str
    target: ShellWord | None
    span: Span


@dataclass(frozen=True)
class Command:
    """A simple command. `span` covers assignments, words and redirections.

    `operator` is what stands before it and joins it to the command before (`&&`, `||`, `;`, `|`, `&`), "" for a first
    one. `within` names the compounds around it, outermost first: `subshell`, `group`, `if`, `for`, `while`, `case`,
    `function`, `substitution`, `not`, and `script` for what a nested shell runs (`bash -c '…'`).
    """

    words: tuple[ShellWord, ...]
    assignments: tuple[Assignment, ...]
    redirections: tuple[Redirection, ...]
    span: Span
    operator: str = ""
    operator_span: Span | None = None
    within: tuple[str, ...] = ()

    @property
    def name(self) -> str | None:
        """The program's name without its directories; None when it is not known, or there is none."""
        value = self.words[0].value if self.words else None
        return PurePosixPath(value).name if value else None

    @property
    def values(self) -> tuple[str | None, ...]:
        """The words' values."""
        return tuple(word.value for word in self.words)


@dataclass(frozen=True)
class Link:
    """An element of the chain that a script is: a simple command, or a compound with commands in it."""

    operator: str
    operator_span: Span | None
    span: Span
    command: Command | None
    commands: tuple[Command, ...]


@dataclass(frozen=True)
class Script:
    """What a shell is asked to do.

    `links` are joined by their operators, pipelines included; `commands` are all simple commands, also those within
    compounds and substitutions. Where the shell is not `sound` the grammar met something that it cannot read: what is
    listed then is right as far as it goes, and nothing may be edited. `exec_form` is a JSON array: one command, no
    shell.
    """

    span: Span
    links: tuple[Link, ...]
    commands: tuple[Command, ...]
    sound: bool = True
    exec_form: bool = False

    @property
    def is_and_chain(self) -> bool:
        """Whether it is nothing but simple commands joined by `&&`."""
        return bool(self.links) and all(
            link.command is not None and (link.operator == "&&" or not at) for at, link in enumerate(self.links)
        )

    def removal(self, link: Link) -> Span | None:
        """What to remove so that all but this link stays; None for the only one, and beside pipes, `||` and `&`."""
        at = self.links.index(link)
        following = self.links[at + 1] if at + 1 < len(self.links) else None
        around = {one.operator for one in (link, following) if one is not None and one.operator}
        if not around or not around <= {"&&", ";"}:
            return None
        if at:
            return Span(self.links[at - 1].span.end, link.span.end)
        return Span(link.span.start, following.span.start) if following else None


def read_shell(
    document: Document,
    instruction: Instruction,
    environment: Environment = _OPEN,
    shell: tuple[str, ...] = DEFAULT_SHELL,
) -> Script | None:
    """The script of a RUN, CMD, ENTRYPOINT or HEALTHCHECK, of ONBUILD's too.

    None when there is none, and when a shell runs it that is not of the kind of sh (PowerShell, Python).
    """
    said = instruction.inner or instruction
    words = said.words[1:] if said.name == "HEALTHCHECK" else said.words
    if said.name not in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK") or not words:
        return None
    if said.json:
        return _exec_form(words, document, environment)
    if not _is_shell(shell):
        return None
    text = said.arguments.cut(len(said.words[0].text)).trimmed() if said.name == "HEALTHCHECK" else said.arguments
    if said.heredocs:
        return _with_heredocs(document, said, text, environment)
    return _parsed(text, environment)


def _is_shell(shell: tuple[str, ...]) -> bool:
    """Whether a SHELL ends in a shell that takes its script from `-c` (`conda run -n x /bin/bash -c` does)."""
    return bool(shell) and shell[-1].endswith("c") and any(PurePosixPath(word).name in SHELLS for word in shell[:-1])


def _parsed(text: Logical, environment: Environment, within: tuple[str, ...] = ()) -> Script:
    # Imported late: the grammar is a compiled module that most commands do without.
    from slimml.dockerfile.shell_tree import read_tree

    environment = _unassigned(text, environment)
    links, sound = read_tree(text, environment, within)
    links, nested = _with_scripts(links, text, environment)
    return Script(text.span(), links, tuple(command for link in links for command in link.commands), sound and nested)


def _unassigned(text: Logical, environment: Environment) -> Environment:
    """The environment without the values of variables that the script itself sets somewhere."""
    names = {name for found in _ASSIGNED.finditer(text.text) for name in (found[1] or found[2]).split()}
    return replace(environment, values={**environment.values, **dict.fromkeys(names)}) if names else environment


def _exec_form(words: tuple[Word, ...], document: Document, environment: Environment) -> Script:
    span = Span(words[0].span.start, words[-1].span.end)
    said = tuple(ShellWord(decode(word.span.of(document.data)), word.text, word.span) for word in words)
    command = Command(said, (), (), span)
    commands, sound = [command], True
    inner = _script_of(command)
    if inner is not None and inner.raw[1:-1] == inner.value:
        script = _parsed(plain(document.data, Span(inner.span.start + 1, inner.span.end - 1)), environment, ("script",))
        commands, sound = [command, *script.commands], script.sound
    return Script(span, (Link("", None, span, command, tuple(commands)),), tuple(commands), sound, exec_form=True)


def _script_of(command: Command) -> ShellWord | None:
    """The word that a command gives to a shell as a script: the one behind `-c`."""
    if command.name not in SHELLS:
        return None
    for option, word in pairwise(command.words[1:]):
        if option.value is not None and option.value.startswith("-") and option.value.endswith("c"):
            return word
    return None


def _with_scripts(links: tuple[Link, ...], text: Logical, environment: Environment) -> tuple[tuple[Link, ...], bool]:
    """The links with the commands of `bash -c '…'` where the quoted script can be read as it stands."""
    made, sound = [], True
    for link in links:
        commands: list[Command] = []
        for command in link.commands:
            commands.append(command)
            word = _script_of(command)
            if word is None or word.value is None or word.raw[1:-1] != word.value or word.raw[0] not in "'\"":
                continue
            raw = encode(word.raw)
            start = text.data.index(raw)
            if text.source(start) != word.span.start:
                continue
            inner = text.cut(start + 1, start + len(raw) - 1)
            script = _parsed(inner, environment, (*command.within, "script"))
            commands += script.commands
            sound = sound and script.sound
        made.append(replace(link, commands=tuple(commands)))
    return tuple(made), sound


def _with_heredocs(document: Document, said: Instruction, text: Logical, environment: Environment) -> Script | None:
    """RUN with heredocs: the first one alone is the script itself, others are input of the commands."""
    if text.data.startswith(b"<<") and len(text.data.split()) == 1 and len(said.heredocs) == 1:
        body = _body(document, said.heredocs[0])
        if not body.data.strip():
            return None
        if body.data.startswith(b"#!"):
            first = body.data.split(b"\n", 1)[0].decode("utf-8", "replace").split("/")[-1].split()
            if not SHELLS & set(first):
                return None
        return _parsed(body, environment)
    for heredoc in said.heredocs:
        text = text.joined(Logical(b"\n", (Piece(0, heredoc.content.start - 1, 1),)))
        text = text.joined(plain(document.data, heredoc.content)) if len(heredoc.content) else text
        text = text.joined(plain(document.data, _stripped(document, heredoc.terminator)))
    return _parsed(text, environment)


def _stripped(document: Document, line: Span) -> Span:
    return Span(line.start, line.start + len(line.of(document.data).rstrip(b"\r\n")))


def _body(document: Document, heredoc: Heredoc) -> Logical:
    """A heredoc's content as a shell gets it: without leading tabs after `<<-`, and without carriage returns."""
    made, pieces, at = bytearray(), [], heredoc.content.start
    for line in heredoc.content.of(document.data).splitlines(keepends=True):
        tabs = len(line) - len(line.lstrip(b"\t")) if heredoc.chomp else 0
        pieces.append(Piece(len(made), at + tabs, len(line) - tabs))
        made += line[tabs:]
        at += len(line)
    return Logical(bytes(made), tuple(pieces) or (Piece(0, at, 0),))
