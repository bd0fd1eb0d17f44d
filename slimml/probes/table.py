"""A table of somebody's file, read key by key: types are checked, and what nobody asked for is an error."""

from __future__ import annotations

import json
import math
import reprlib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from slimml.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Table:
    """One table. `where` names it in errors; every reader raises UsageError for a value of another type."""

    def __init__(self, document: object, where: str) -> None:
        if not isinstance(document, dict):
            raise UsageError(f"{where} should be a table, is {shown(document)}")
        self.where = where
        self._document: Mapping[str, Any] = {str(key): value for key, value in document.items()}
        self._asked: dict[str, None] = {}

    def raw(self, key: str) -> Any:
        """The value as it stands, None where there is none."""
        self._asked[key] = None
        return self._document.get(key)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return self.raw(key) is not None

    def text(self, key: str) -> str | None:
        """A text."""
        found: str | None = self._checked(key, str, "text")
        return found

    def needed(self, key: str) -> str:
        """A text that has to be there."""
        found = self.text(key)
        if not found:
            raise UsageError(f"{self.where}: {key!r} is missing")
        return found

    def truth(self, key: str, default: bool) -> bool:
        """true or false."""
        found = self._checked(key, bool, "true or false")
        return default if found is None else found

    def whole(self, key: str, least: int = 0, most: int = 1 << 62) -> int | None:
        """A whole number between `least` and `most`."""
        found: int | None = self._checked(key, int, "a whole number")
        if found is not None and not least <= found <= most:
            raise UsageError(f"{self.where}: {key!r} should be from {least} to {most}, is {found}")
        return found

    def port(self, key: str) -> int | None:
        """A TCP port."""
        return self.whole(key, 1, 65535)

    def number(self, key: str, default: float) -> float:
        """A number that is not negative and has an end."""
        found = self.raw(key)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < math.inf:
            raise UsageError(f"{self.where}: {key!r} should be a number, is {shown(found)}")
        return float(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; one text alone stands for a list of one."""
        found = self.raw(key)
        if found is None:
            return ()
        if isinstance(found, str):
            return (found,)
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise UsageError(f"{self.where}: {key!r} should be a list of texts, is {shown(found)}")
        return tuple(found)

    def words(self, key: str) -> tuple[str, ...] | None:
        """A command: a list as it is executed, or a text for /bin/sh -c, as in a Dockerfile."""
        found = self.raw(key)
        if found is None:
            return None
        words = ("/bin/sh", "-c", found) if isinstance(found, str) else self.texts(key)
        if not all(words):
            raise UsageError(f"{self.where}: {key!r} should be a command, is {shown(found)}")
        return words or None

    def pairs(self, key: str) -> dict[str, str]:
        """A table of texts; numbers are taken as they are written."""
        found = self.raw(key)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise UsageError(f"{self.where}: {key!r} should be a table of texts, is {shown(found)}")
        for name, value in found.items():
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise UsageError(f"{self.where}: {key}.{name} should be text, is {shown(value)}")
        return {str(name): str(value) for name, value in found.items()}

    def scalar(self, key: str, default: str = "") -> str:
        """A text, or a number or truth as JSON writes it."""
        found = self.raw(key)
        if found is None:
            return default
        if not isinstance(found, str | int | float):
            raise UsageError(f"{self.where}: {key!r} should be text, is {shown(found)}")
        return found if isinstance(found, str) else json.dumps(found)

    def table(self, key: str) -> Table | None:
        """A table within."""
        found = self.raw(key)
        return None if found is None else Table(found, f"{self.where} [{key}]")

    def tables(self, key: str) -> list[Table]:
        """A list of tables within ([[key]])."""
        found = self.raw(key)
        if found is None:
            return []
        if not isinstance(found, list):
            raise UsageError(f"{self.where}: {key!r} should be a list of tables ([[{key}]]), is {shown(found)}")
        return [Table(item, f"{self.where} {key} {number}") for number, item in enumerate(found, 1)]

    def only_one_of(self, *keys: str) -> str | None:
        """Which of these is there; raises UsageError for two."""
        found = [key for key in keys if self.has(key)]
        if len(found) > 1:
            raise UsageError(f"{self.where}: give {found[0]!r} or {found[1]!r}, not both")
        return found[0] if found else None

    def end(self) -> None:
        """All that is known was asked for: what is left is a mistake. Raises UsageError with the nearest key."""
        for key in self._document:
            if key in self._asked:
                continue
            near = get_close_matches(key, self._asked, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self._asked)}"
            raise UsageError(f"{self.where}: unknown key {key!r}; {hint}")

    def _checked(self, key: str, kind: type, said: str) -> Any:
        found = self.raw(key)
        if found is not None and type(found) is not kind:
            raise UsageError(f"{self.where}: {key!r} should be {said}, is {shown(found)}")
        return found


def shown(value: object) -> str:
    """A value as errors show it: short, however much a hostile document nests."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
