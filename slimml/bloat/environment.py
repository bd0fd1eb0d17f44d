"""The environment and command of an image's configuration, as detectors ask for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

_SCRIPT = re.compile(r"\.(sh|bash)\b|entrypoint|(^|/)(start|run|serve|launch|boot)[\w-]*$")
_NAME = re.compile(r"[A-Za-z][\w.+-]*")


def environment(inventory: Inventory) -> dict[str, str]:
    """Variables that a container starts with."""
    entries = inventory.image.config.runtime.get("Env")
    if not isinstance(entries, list):
        return {}
    pairs = (entry.partition("=") for entry in entries if isinstance(entry, str))
    return {name: value for name, _, value in pairs}


def command_words(inventory: Inventory) -> list[str]:
    """Words of the entrypoint and the command, and the directory that they start in."""
    runtime = inventory.image.config.runtime
    words: list[str] = []
    for name in ("Entrypoint", "Cmd"):
        value = runtime.get(name)
        if isinstance(value, list):
            words += [word for word in value if isinstance(word, str)]
    directory = runtime.get("WorkingDir")
    return [*words, directory] if isinstance(directory, str) and directory else words


def starts_script(inventory: Inventory) -> bool:
    """Does the container start through a shell script, which may call what the configuration does not name?"""
    return any(_SCRIPT.search(word) is not None for word in command_words(inventory))


def command_names(inventory: Inventory) -> frozenset[str]:
    """Names of programs and modules that the entrypoint and the command mention, in lower case."""
    return frozenset(name.lower() for word in command_words(inventory) for name in _NAME.findall(word))
