"""Users and groups as an image's own /etc/passwd and /etc/group name them (passwd(5), group(5)), as Docker looks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.engine.bare.root import Root
from slimml.errors import InvalidImage, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FILE_BYTES = 1 << 20
_MOST_ID = (1 << 31) - 1


@dataclass(frozen=True)
class Account:
    """Who a process runs as; `groups` are the further ones. `home` is for HOME."""

    user: int
    group: int
    groups: tuple[int, ...]
    home: str


def find_account(read: Callable[[str], bytes], wanted: str) -> Account:
    """The account that `wanted` (`USER[:GROUP]`, names or numbers, empty for root) stands for.

    `read` gives the content of a file of the image, nothing for one that it has not. Raises UsageError for a name that
    the image does not know.
    """
    name, _, group_name = wanted.partition(":")
    name = name or "0"
    passwd = _lines(read("/etc/passwd"), 7)
    groups = _lines(read("/etc/group"), 4)
    found = next((line for line in passwd if line[0] == name), None)
    if found is None and name.isdigit():
        found = next((line for line in passwd if line[2] == name), None)
    if found is None and not name.isdigit():
        raise UsageError(f"user {name[:80]!r} is not in the image's /etc/passwd")
    user = _number(found[2] if found else name)
    if group_name:
        listed = next((line[2] for line in groups if line[0] == group_name), group_name)
        if not listed.isdigit():
            raise UsageError(f"group {group_name[:80]!r} is not in the image's /etc/group")
        return Account(user, _number(listed), (), found[5] if found else "/")
    if found is None:
        return Account(user, 0, (), "/")
    more = tuple(_number(line[2]) for line in groups if found[0] in line[3].split(",") and line[2].isdigit())
    return Account(user, _number(found[3]), more, found[5] or "/")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _MOST_ID:
        raise UsageError(f"{text[:80]!r} is no user or group number")
    return int(text)


def _lines(data: bytes, fields: int) -> list[list[str]]:
    found = [line.split(":") for line in data.decode(errors="replace").splitlines()]
    return [line for line in found if len(line) >= fields and line[2].isdigit()]


def read_beneath(root: Path) -> Callable[[str], bytes]:
    """Reads the beginning of files of the directory `root`, whose links are followed inside it only."""

    def read(path: str) -> bytes:
        with suppress(OSError, InvalidImage), Root(root) as opened:
            descriptor = opened.open_file(path)
            if descriptor is not None:
                with open(descriptor, "rb") as file:
                    return file.read(_FILE_BYTES)
        return b""

    return read
