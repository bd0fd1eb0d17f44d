"""The commands of a RUN that install: what apt, pip, uv, conda, npm… are told, with the place of every word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from slimml.dockerfile.packages import distribution_of

if TYPE_CHECKING:
    from slimml.dockerfile.commands import Command, Script, ShellWord

_PYTHON = re.compile(r"python[\d.]*")


class Manager(StrEnum):
    """Who installs."""

    APT = "apt"
    APK = "apk"
    DNF = "dnf"
    PIP = "pip"
    UV = "uv"
    CONDA = "conda"
    NPM = "npm"
    POETRY = "poetry"


@dataclass(frozen=True)
class Install:
    """A command that installs. `options` holds every option's name with its values, [""] for one without; `files` are
    the lists of packages (requirements, environments), `named` is what stands on the line: packages, directories,
    archives, addresses. A command that installs the project of its working directory has neither.
    """

    manager: Manager
    tool: str
    """the program: apt-get, pip, mamba…; `uv` and `uv tool` for what these install as pip does"""
    command: Command
    verb: ShellWord
    options: dict[str, list[str]]
    named: tuple[ShellWord, ...]
    files: tuple[ShellWord, ...]

    def has(self, *names: str) -> bool:
        """Whether one of these options is given."""
        return any(name in self.options for name in names)

    @property
    def distributions(self) -> dict[str, ShellWord]:
        """The normalised names of Python distributions on the line, with their words."""
        found = {distribution_of(word.text): word for word in self.named}
        found.pop("", None)
        return found


@dataclass(frozen=True)
class _Tool:
    """How a manager's words are read. `valued` are options whose value is a word of its own, `files` those of them
    that name a list of packages."""

    manager: Manager
    programs: re.Pattern[str]
    verbs: frozenset[str]
    valued: frozenset[str]
    files: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_REQUIREMENTS = _words("-r --requirement --requirements")
_PIP_VALUES = _REQUIREMENTS | _words(
    "-c --constraint -e --editable -i --index-url --extra-index-url -f --find-links -t --target --prefix --root "
    "--platform --python-version --trusted-host --cache-dir --timeout --default-timeout --retries --src --no-binary "
    "--only-binary --log --upgrade-strategy --progress-bar --proxy --cert -C --config-settings --global-option "
    "--build-option --report --python -p -w --wheel-dir -d --dest --group --use-feature --use-deprecated "
    "--root-user-action --exists-action --keyring-provider --implementation --abi --index --default-index "
    "--torch-backend --index-strategy --extra --override --link-mode --only-group --no-group --project --directory"
)
_TOOLS = (
    _Tool(
        Manager.APT, re.compile(r"apt-get|apt|aptitude"), _words("install"),
        _words("-o --option -t --target-release -c --config-file"),
    ),
    _Tool(Manager.PIP, re.compile(r"pip[\d.]*|pipx"), _words("install download wheel"), _PIP_VALUES, _REQUIREMENTS),
    _Tool(Manager.UV, re.compile(r"uv"), _words("add sync"), _PIP_VALUES, _REQUIREMENTS),
    _Tool(
        Manager.CONDA, re.compile(r"conda|mamba|micromamba"), _words("install create update upgrade"),
        _words("-n --name -p --prefix -c --channel --solver --repodata-fn -f --file"), _words("-f --file"),
    ),
    _Tool(
        Manager.NPM, re.compile(r"npm|yarn|pnpm"), _words("install i ci add"), _words("--prefix --registry --loglevel")
    ),
    _Tool(
        Manager.POETRY, re.compile(r"poetry|pipenv|pdm"), _words("install sync"),
        _words("--only --with --without -E --extras -C"),
    ),
    _Tool(
        Manager.APK, re.compile(r"apk"), _words("add"),
        _words("-t --virtual -X --repository -p --root --cache-dir --arch"),
    ),
    _Tool(
        Manager.DNF, re.compile(r"yum|dnf|microdnf|tdnf"), _words("install groupinstall"),
        _words("-c --config --enablerepo --disablerepo -x"),
    ),
)  # fmt: skip
_BY_MANAGER = {tool.manager: tool for tool in _TOOLS}


def read_install(command: Command) -> Install | None:
    """What a command installs; None for a command that installs nothing."""
    found = _told(command)
    if found is None:
        return None
    tool, name, words = found
    options, rest, files = _parted(words, tool)
    if tool.manager is Manager.CONDA and rest and rest[0].text == "env":
        rest = rest[1:]
    if not rest or rest[0].text not in tool.verbs:
        return None
    return Install(tool.manager, name, command, rest[0], options, tuple(rest[1:]), tuple(files))


def apt_verb(command: Command) -> str:
    """`update`, `install` and so on; "" for what is no command of apt."""
    tool = _BY_MANAGER[Manager.APT]
    if not tool.programs.fullmatch(command.program):
        return ""
    _, rest, _ = _parted(command.words[1:], tool)
    return rest[0].text if rest else ""


def apt_installs(script: Script) -> Iterator[Install]:
    """The apt-get install commands in it."""
    for command in script.commands:
        found = read_install(command)
        if found is not None and found.manager is Manager.APT:
            yield found


def pip_installs(script: Script) -> Iterator[Install]:
    """The pip install, wheel and download commands in it, and those of `uv pip`."""
    for command in script.commands:
        found = pip_install(command)
        if found is not None:
            yield found


def pip_install(command: Command) -> Install | None:
    """What a command tells pip or `uv pip` to install, None for another command."""
    found = read_install(command)
    return found if found is not None and found.tool in ("pip", "uv") and found.manager is Manager.PIP else None


def _told(command: Command) -> tuple[_Tool, str, tuple[ShellWord, ...]] | None:
    """The tool that a command calls, its name, and the words for it."""
    words = command.words[1:]
    pip = _BY_MANAGER[Manager.PIP]
    if _PYTHON.fullmatch(command.program):
        at = next((at for at, word in enumerate(words) if not word.text.startswith("-") or word.text == "-m"), None)
        module = [] if at is None or words[at].text != "-m" else words[at + 1 : at + 2]
        return (pip, "pip", words[(at or 0) + 2 :]) if [word.text for word in module] == ["pip"] else None
    if command.program == "uv" and words and words[0].text in ("pip", "tool"):
        return pip, "uv" if words[0].text == "pip" else "uv tool", words[1:]
    tool = next((tool for tool in _TOOLS if tool.programs.fullmatch(command.program)), None)
    if tool is None:
        return None
    plain_pip = tool is pip and command.program != "pipx"
    return tool, "pip" if plain_pip else command.program, words


def _parted(words: tuple[ShellWord, ...], tool: _Tool) -> tuple[dict[str, list[str]], list[ShellWord], list[ShellWord]]:
    """Options by name, the words that are none, and those that name a file of packages."""
    options: dict[str, list[str]] = {}
    rest: list[ShellWord] = []
    files: list[ShellWord] = []
    awaited = ""
    for word in words:
        if awaited:
            options[awaited].append(word.text)
            if awaited in tool.files:
                files.append(word)
            awaited = ""
        elif word.text.startswith("-") and len(word.text) > 1:
            name, sign, value = word.text.partition("=")
            if name in tool.valued and not sign:
                options.setdefault(name, [])
                awaited = name
            else:
                options.setdefault(name, []).append(value)
                if name in tool.files:
                    files.append(word)
        else:
            rest.append(word)
    return options, rest, files
