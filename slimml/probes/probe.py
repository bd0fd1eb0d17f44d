"""Probes as values: when an image is ready, what is asked of it, what has to come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slimml.engine.container import Mount, Resources


@dataclass(frozen=True)
class Compare:
    """How two answers are held together. `ignore` names parts: `header:NAME`, `json:/pointer/with/*`, `body`,
    `stdout`, `stderr`, `code`, `file:GLOB`, `line:REGEX` (lines of text that match).

    Numbers are equal within `relative` of the larger or `absolute`. Differences of standard error are told and do not
    count, unless `stderr`.
    """

    relative: float = 1e-6
    absolute: float = 1e-9
    ignore: tuple[str, ...] = ()
    stderr: bool = False


@dataclass(frozen=True)
class Ready:
    """When the main process can be asked. Exactly one of the conditions is set; `timeout` in seconds.

    `http` is a path that answers with a status below 400 (or `status`) on `port`; `tcp` a port that accepts; `log` a
    regular expression that a line of output matches; `exit` that the process has ended.
    """

    http: str | None = None
    port: int | None = None
    status: int | None = None
    tcp: int | None = None
    log: str | None = None
    exit: bool = False
    timeout: float = 120


@dataclass(frozen=True)
class HttpProbe:
    """A request to the running service, and what is expected besides equality with the original.

    `status` None expects one below 400. `contains` are texts that the body has to hold.
    """

    name: str
    path: str
    port: int
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    status: int | None = None
    contains: tuple[str, ...] = ()
    compare: Compare = field(default_factory=Compare)
    timeout: float = 120


@dataclass(frozen=True)
class CommandProbe:
    """A command inside: in the running service, or (`alone`) as the only process of a container of its own.

    `argv` is executed as it stands, without the image's entrypoint; `stdin` is for the running service only. `code` is
    the expected exit code, None expects none. `output` are regular expressions that standard output has to match (as
    re.search does), `excluded` such that it must not; `errors` and `excluded_errors` those of standard error.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    directory: str | None = None
    stdin: bytes = b""
    code: int | None = None
    output: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    excluded_errors: tuple[str, ...] = ()
    alone: bool = False
    compare: Compare = field(default_factory=Compare)
    timeout: float = 300


@dataclass(frozen=True)
class BatchProbe:
    """A run of the image's own program in a fresh container, to its end. `argv` stands for CMD (None: the image's).

    `outputs` are absolute paths or globs of files inside that belong to the answer.
    """

    name: str
    argv: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    outputs: tuple[str, ...] = ()
    code: int | None = 0
    compare: Compare = field(default_factory=Compare)
    timeout: float = 1800


@dataclass(frozen=True)
class FileProbe:
    """A file or directory of the image: `there` whether it has to exist, `contains`/`excluded` regular expressions on
    its content. `permissions` is as ls -l writes it (`-rw-r--r--`), `executable_by` one of owner, group, other, any.
    """

    name: str
    path: str
    there: bool = True
    contains: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    permissions: str | None = None
    uid: int | None = None
    gid: int | None = None
    executable_by: str | None = None
    compare: Compare = field(default_factory=Compare)


@dataclass(frozen=True)
class ConfigPart:
    """A part of an image's configuration: `env:NAME`, `label:NAME`, `port:8080`, `volume:/data`, `entrypoint`, `cmd`,
    `workdir` or `user`. `matches` is a regular expression that its text (lists as JSON) has to match as re.search does,
    None says that it must not be there.
    """

    part: str
    matches: str | None


@dataclass(frozen=True)
class ConfigProbe:
    """What the image's configuration has to say; nothing is run."""

    name: str
    parts: tuple[ConfigPart, ...]
    compare: Compare = field(default_factory=Compare)


Probe = HttpProbe | CommandProbe | BatchProbe | FileProbe | ConfigProbe


@dataclass(frozen=True)
class Suite:
    """All that is asked of an image. `origin` says where it came from (a file, `guessed`, the command line).

    `argv`, `environment`, `mounts`, `user` and `resources` hold for the service; `ready` is None when no probe needs
    one that runs. `substitute` says that `$NAME` in environments and in argv of commands stands for the image's own
    variable, as container-structure-test has it. `not_checked` are words of the file that nobody will look at.
    """

    probes: tuple[Probe, ...]
    origin: str
    ready: Ready | None = None
    argv: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    user: str | None = None
    network: bool = True
    resources: Resources = field(default_factory=Resources)
    substitute: bool = False
    not_checked: tuple[str, ...] = ()
