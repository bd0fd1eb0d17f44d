"""Commands that install packages: apt, apk, dnf, pip, uv, conda, npm, poetry, and what they are told to install."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from slimml.dockerfile.shell import Command, ShellWord

_WRAPPERS = {"sudo": "ugCh", "exec": "a", "nice": "n", "time": "fo", "env": "uCS", "ionice": "cn", "command": ""}
"""Programs that run the rest of their words, with their options of one letter that take a value."""

_NAME = re.compile(r"[A-Za-z0-9@/_.+-]+?(?=$|[\s<>=!~\[;:]|@(?!/))|@[\w.-]+/[\w.-]+")
_PROJECT = re.compile(r"\.{1,2}$|\.{0,2}/|[\w+]+://|git@|.*\.(?:whl|tar\.gz|zip)$|.*/\*")


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
class Package:
    """A package on the line; `name` without version, extras and architecture, None when only the run can tell."""

    name: str | None
    word: ShellWord


@dataclass(frozen=True)
class Install:
    """A command that installs. `files` are lists of packages (requirements, environments), `projects` are directories,
    archives and addresses; a command that installs the project of its working directory has neither."""

    manager: Manager
    verb: ShellWord
    packages: tuple[Package, ...]
    files: tuple[ShellWord, ...]
    projects: tuple[ShellWord, ...]
    options: tuple[ShellWord, ...]
    command: Command

    def has(self, *names: str) -> bool:
        """Whether one of these options is given, alone or as `name=value`."""
        return any((word.value or "").partition("=")[0] in names for word in self.options)


@dataclass(frozen=True)
class _Tool:
    manager: Manager
    verbs: frozenset[str]
    valued: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PIP = _Tool(
    Manager.PIP, _words("install download wheel"),
    _words("-c --constraint -i --index-url --extra-index-url -f --find-links -t --target --prefix --root --platform "
           "--python-version --trusted-host --cache-dir --timeout --default-timeout --retries --src --no-binary "
           "--only-binary --upgrade-strategy --progress-bar --proxy --cert -C --config-settings --global-option "
           "--build-option --report --python -p -w --wheel-dir -d --dest --root-user-action --exists-action --abi "
           "--implementation --log --index --default-index --index-strategy --torch-backend --link-mode --override"),
    _words("-r --requirement --requirements"), _words("-e --editable"),
)  # fmt: skip
_TOOLS = {
    "apt": _Tool(Manager.APT, _words("install"), _words("-o --option -t --target-release -c --config-file")),
    "apk": _Tool(Manager.APK, _words("add"), _words("-t --virtual -X --repository -p --root --cache-dir --arch")),
    "dnf": _Tool(Manager.DNF, _words("install groupinstall"), _words("-c --config --enablerepo --disablerepo -x")),
    "pip": _PIP,
    "uv": _Tool(
        Manager.UV, _words("add sync"), _PIP.valued | _words("--extra --group --project --directory"), _PIP.files
    ),
    "conda": _Tool(
        Manager.CONDA, _words("install create update"),
        _words("-n --name -p --prefix -c --channel --solver --repodata-fn"), _words("-f --file"),
    ),
    "npm": _Tool(Manager.NPM, _words("install i ci add"), _words("--prefix --registry --loglevel")),
    "poetry": _Tool(Manager.POETRY, _words("install sync"), _words("--only --with --without -E --extras -C")),
}  # fmt: skip
_ALIASES = (
    (re.compile(r"apt-get|apt|aptitude"), "apt"),
    (re.compile(r"yum|dnf|microdnf|tdnf"), "dnf"),
    (re.compile(r"pip[\d.]*|pipx"), "pip"),
    (re.compile(r"conda|mamba|micromamba"), "conda"),
    (re.compile(r"npm|yarn|pnpm"), "npm"),
    (re.compile(r"poetry|pipenv|pdm"), "poetry"),
    (re.compile(r"apk"), "apk"),
    (re.compile(r"uv"), "uv"),
)


def unwrapped(words: tuple[ShellWord, ...]) -> tuple[ShellWord, ...]:
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
        return unwrapped(words[at:])
    return words


def read_install(command: Command) -> Install | None:
    """What a command installs; None for a command that installs nothing."""
    words = unwrapped(command.words)
    tool, words = _tool(words)
    if tool is None:
        return None
    options: list[ShellWord] = []
    rest: list[ShellWord] = []
    files: list[ShellWord] = []
    projects: list[ShellWord] = []
    takes: list[ShellWord] | None = None
    for word in words:
        value = word.value or ""
        name, sign, given = value.partition("=")
        if takes is not None:
            takes.append(word)
            takes = None
        elif value.startswith("-") and len(value) > 1:
            options.append(word)
            target = files if name in tool.files else projects if name in tool.projects else None
            if sign and target is not None:
                target.append(ShellWord(word.raw, given, word.span))
            elif not sign and (target is not None or name in tool.valued):
                takes = options if target is None else target
        else:
            rest.append(word)
    return _install(tool, command, rest, options, files, projects)


def _install(
    tool: _Tool, command: Command, rest: list[ShellWord], options: list[ShellWord],
    files: list[ShellWord], projects: list[ShellWord],
) -> Install | None:  # fmt: skip
    if tool.manager is Manager.CONDA and rest and rest[0].value == "env":
        rest = rest[1:]
    if not rest or rest[0].value not in tool.verbs:
        return None
    packages = []
    for word in rest[1:]:
        if tool.manager in (Manager.PIP, Manager.UV, Manager.NPM) and _PROJECT.match(word.value or word.raw):
            projects.append(word)
        else:
            packages.append(Package(_package_name(word), word))
    return Install(tool.manager, rest[0], tuple(packages), tuple(files), tuple(projects), tuple(options), command)


def _tool(words: tuple[ShellWord, ...]) -> tuple[_Tool | None, tuple[ShellWord, ...]]:
    name = _basename(words[0]) if words else ""
    rest = words[1:]
    if re.fullmatch(r"python[\d.]*", name):
        at = next((at for at, word in enumerate(rest) if word.value == "-m"), len(rest))
        is_module = all((word.value or "").startswith("-") for word in rest[:at])
        return _tool(rest[at + 1 :]) if is_module and at < len(rest) else (None, ())
    if name == "uv" and rest and rest[0].value == "pip":
        return _TOOLS["pip"], rest[1:]
    if name == "uv" and rest and rest[0].value == "tool":
        return _TOOLS["pip"], rest[1:]
    key = next((key for pattern, key in _ALIASES if pattern.fullmatch(name)), None)
    return (_TOOLS[key], rest) if key is not None else (None, ())


def _basename(word: ShellWord) -> str:
    """The name of a program: also of one in a directory that is not known (`$HOME/conda/bin/pip`)."""
    return PurePosixPath(word.value or re.sub(r".*/", "", word.raw).strip("\"'")).name


def _package_name(word: ShellWord) -> str | None:
    found = _NAME.match(word.value.strip()) if word.value else None
    return found[0] if found else None
