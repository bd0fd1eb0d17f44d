"""The commands of a RUN that install: what apt-get and pip are told, with the place of every word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.dockerfile.packages import distribution_of

if TYPE_CHECKING:
    from slimml.dockerfile.commands import Command, Script, ShellWord

_PIP = re.compile(r"pip[\d.]*")
_PYTHON = re.compile(r"python[\d.]*")
_APT = frozenset({"apt-get", "apt", "aptitude"})
_APT_VALUES = frozenset({"-o", "-t", "-c", "--target-release", "--option"})
_PIP_VALUES = frozenset(
    {"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url", "--extra-index-url", "-f"}
    | {"--find-links", "-t", "--target", "--prefix", "--root", "--platform", "--python-version", "--trusted-host"}
    | {"--cache-dir", "--timeout", "--default-timeout", "--retries", "--src", "--no-binary", "--only-binary", "--log"}
    | {"--upgrade-strategy", "--progress-bar", "--proxy", "--cert", "--config-settings", "-C", "--global-option"}
    | {"--build-option", "--report", "--python", "-p", "-w", "--wheel-dir", "-d", "--dest", "--group", "--use-feature"}
    | {"--use-deprecated", "--root-user-action", "--exists-action", "--keyring-provider", "--implementation", "--abi"}
    | {"--index", "--default-index", "--torch-backend", "--index-strategy", "--extra", "--override", "--link-mode"}
    | {"--only-group", "--no-group"}
)


@dataclass(frozen=True)
class AptInstall:
    """`apt-get [options] install [options] packages`."""

    command: Command
    verb: ShellWord
    options: frozenset[str]
    packages: tuple[ShellWord, ...]


@dataclass(frozen=True)
class PipInstall:
    """`pip install`, `pip wheel`, `pip download` or the same of uv. `options` holds every option's name with its
    values, [""] for one without; `files` are the requirements files, `requirements` what is named on the line.
    """

    command: Command
    tool: str
    """pip or uv"""
    verb: ShellWord
    options: dict[str, list[str]]
    requirements: tuple[ShellWord, ...]
    files: tuple[ShellWord, ...]

    def has(self, *names: str) -> bool:
        """Whether one of these options is given."""
        return any(name in self.options for name in names)

    @property
    def distributions(self) -> dict[str, ShellWord]:
        """The normalised names on the line, with their words."""
        found = {distribution_of(word.text): word for word in self.requirements}
        found.pop("", None)
        return found


def apt_verb(command: Command) -> str:
    """`update`, `install` and so on; "" for what is no command of apt."""
    if command.program not in _APT:
        return ""
    word = _first(command.words[1:], _APT_VALUES)
    return word.text if word else ""


def apt_installs(script: Script) -> Iterator[AptInstall]:
    """The apt-get install commands in it."""
    for command in script.commands:
        if apt_verb(command) == "install":
            verb = _first(command.words[1:], _APT_VALUES)
            options, packages, _ = _parted(command.words[1:], _APT_VALUES)
            if verb is not None:
                yield AptInstall(command, verb, frozenset(options), tuple(packages[1:]))


def pip_installs(script: Script) -> Iterator[PipInstall]:
    """The pip install, wheel and download commands in it, and those of `uv pip`."""
    for command in script.commands:
        found = pip_install(command)
        if found is not None:
            yield found


def pip_install(command: Command) -> PipInstall | None:
    """What a command tells pip to install, None for another command."""
    found = _pip_words(command)
    if found is None:
        return None
    tool, words = found
    verb = _first(words, _PIP_VALUES)
    if verb is None or verb.text not in ("install", "wheel", "download"):
        return None
    options, rest, valued = _parted(words, _PIP_VALUES)
    files = tuple(word for name, word in valued if name in ("-r", "--requirement"))
    return PipInstall(command, tool, verb, options, tuple(rest[1:]), files)


def _pip_words(command: Command) -> tuple[str, tuple[ShellWord, ...]] | None:
    words = command.words
    if _PIP.fullmatch(command.program):
        return "pip", words[1:]
    if _PYTHON.fullmatch(command.program):
        for at, word in enumerate(words[1:], 1):
            if word.text == "-m":
                name = words[at + 1].text if at + 1 < len(words) else ""
                return ("pip", words[at + 2 :]) if name == "pip" else None
            if not word.text.startswith("-"):
                return None
    if command.program == "uv" and len(words) > 2 and words[1].text == "pip":
        return "uv", words[2:]
    return None


def _first(words: tuple[ShellWord, ...], valued: frozenset[str]) -> ShellWord | None:
    _, rest, _ = _parted(words, valued)
    return rest[0] if rest else None


def _parted(
    words: tuple[ShellWord, ...], valued: frozenset[str]
) -> tuple[dict[str, list[str]], list[ShellWord], list[tuple[str, ShellWord]]]:
    """Options by name, the words that are none, and the values that are words of their own."""
    options: dict[str, list[str]] = {}
    rest, values = [], []
    awaited = ""
    for word in words:
        if awaited:
            options[awaited].append(word.text)
            values.append((awaited, word))
            awaited = ""
        elif word.text.startswith("-") and len(word.text) > 1:
            name, sign, value = word.text.partition("=")
            if name in valued and not sign:
                options.setdefault(name, [])
                awaited = name
            else:
                options.setdefault(name, []).append(value)
                if name in ("-r", "--requirement"):
                    values.append((name, word))
        else:
            rest.append(word)
    return options, rest, values
