"""What runs in a container: the image's command, environment, user and directory, changed as a RunSpec says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slimml.engine.bare.accounts import Account, find_account, read_beneath
from slimml.errors import UsageError
from slimml.oci import documents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slimml.engine.container import RunSpec
    from slimml.oci.image import Image

HOSTNAME = "slimml"
"""the same for every container: a name that differs from run to run would be a difference in answers"""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_WHAT = "the image config"


@dataclass(frozen=True)
class Process:
    """A program with all that it is started with. `directory` is absolute."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    account: Account


def main_process(image: Image, spec: RunSpec, root: Path) -> Process:
    """The main process of a container of `image`, unpacked at `root`; raises UsageError, InvalidImage.

    As Docker does: PATH, HOSTNAME and HOME are set where the image does not.
    """
    runtime = image.config.runtime
    argv = command_of(image, spec)
    wanted = documents.text(runtime, "User", _WHAT, default="") if spec.user is None else spec.user
    account = find_account(read_beneath(root), wanted)
    directory = spec.directory or documents.text(runtime, "WorkingDir", _WHAT, default="") or "/"
    pairs = (str(item).partition("=") for item in documents.sequence(runtime, "Env", _WHAT))
    environment = {"PATH": _PATH, "HOSTNAME": HOSTNAME}
    environment |= {name: value for name, _, value in pairs if name}
    environment |= spec.environment
    environment.setdefault("HOME", account.home)
    return Process(argv, environment, _absolute(directory), account)


def further_process(
    main: Process,
    argv: tuple[str, ...],
    read: Callable[[str], bytes],
    *,
    environment: Mapping[str, str],
    user: str | None,
    directory: str | None,
) -> Process:
    """A process beside `main` in its container; what is None or not named is as there.

    `read` gives the content of a file in there, nothing for one that is not. Raises UsageError.
    """
    if not argv:
        raise UsageError("an empty command cannot be run in a container")
    merged = {**main.environment, **environment}
    process = replace(main, argv=argv, environment=merged)
    if user is not None:
        account = find_account(read, user)
        if "HOME" not in environment and merged.get("HOME") == main.account.home:
            merged["HOME"] = account.home
        process = replace(process, account=account)
    return replace(process, directory=_absolute(directory)) if directory else process


def command_of(image: Image, spec: RunSpec) -> tuple[str, ...]:
    """What a container of `image` runs; raises UsageError when neither it nor `spec` says."""
    argv = _command(image.config.runtime, spec)
    if not argv:
        raise UsageError(f"{image.reference} has no command (no ENTRYPOINT, no CMD); name one")
    return argv


def _command(runtime: Mapping[str, object], spec: RunSpec) -> tuple[str, ...]:
    if spec.entrypoint is not None:
        return (*spec.entrypoint, *(spec.argv or ()))
    entrypoint = tuple(str(word) for word in documents.sequence(runtime, "Entrypoint", _WHAT))
    argv = tuple(str(word) for word in documents.sequence(runtime, "Cmd", _WHAT)) if spec.argv is None else spec.argv
    return (*entrypoint, *argv)


def _absolute(directory: str) -> str:
    return directory if directory.startswith("/") else f"/{directory}"
