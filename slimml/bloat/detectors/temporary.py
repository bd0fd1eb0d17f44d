"""Temporary files and logs of the build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.environment import command_words, environment
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.packages import unpackaged
from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_OF_TOOLS = re.compile(
    r"(pip-|npm-|yarn--|v8-compile-cache|node-compile-cache|hsperfdata_|build-env-|easy_install-|uv-|conda-|apt-key)"
)
_LOG_FILES = ("dpkg.log", "alternatives.log", "bootstrap.log", "fontconfig.log", "yum.log", "hawkey.log")
_LOG_FILES_MORE = ("faillog", "lastlog", "btmp", "wtmp", "tallylog", "term.log", "history.log", "eipp.log.xz")


def temporary(inventory: Inventory) -> Iterator[Proposal]:
    """What lies in /tmp and /var/tmp, logs of package managers, logs of the application."""
    facts = path_facts(inventory)
    inside = facts.beneath("tmp", "var/tmp") & facts.live
    tools = inside & _of_tools(inventory)
    yield Proposal(
        "tool-temporaries",
        "Temporary files that package tools left",
        Risk.SAFE,
        Action.DROP,
        np.flatnonzero(tools),
        "End the RUN that leaves them with && rm -rf /tmp/*, or give it --mount=type=tmpfs,target=/tmp.",
        "an interrupted or careless tool left them; each run makes new ones",
    )
    yield Proposal(
        "temporary-files",
        "Files in /tmp and /var/tmp",
        Risk.ASK if _used_at_start(inventory) else Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(inside & ~tools),
        "End the RUN that leaves them with && rm -rf /tmp/* /var/tmp/*; put what the program needs elsewhere.",
        "programs have to expect that these directories are empty",
    )
    logs = facts.content & facts.beneath("var/log") & (facts.size > 0)
    of_system = logs & _of_package_managers(inventory)
    yield Proposal(
        "system-logs",
        "Logs of package managers and of the system's installation",
        Risk.SAFE,
        Action.DROP,
        np.flatnonzero(of_system),
        "End the RUN that installs packages with && rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log.",
        "they tell how the image was built; programs append to logs or make new ones",
    )
    own = facts.content & facts.suffixed("log") & unpackaged(inventory) & ~facts.in_site & (facts.size > 0)
    yield Proposal(
        "logs",
        "Logs of programs that ran during the build",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero((own | logs) & ~of_system),
        "Name *.log in .dockerignore, and delete logs in the RUN that writes them.",
        "a program that logs appends or makes the file anew",
    )


def _of_tools(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    found = (facts.position("tmp"), facts.position("var/tmp"))
    outer = [position for position in found if position is not None]
    chosen = facts.names_where(_OF_TOOLS.match, among=np.isin(facts.directory, outer))
    roots = [
        position
        for start in outer
        for position in range(start + 1, int(facts.ends[start]))
        if _OF_TOOLS.match(facts.directories[position].removeprefix("var/").removeprefix("tmp/"))
    ]
    return chosen | facts.beneath_positions(roots)


def _used_at_start(inventory: Inventory) -> bool:
    words = [*command_words(inventory), *environment(inventory).values()]
    return any(word.startswith(("/tmp", "/var/tmp")) for word in words)


def _of_package_managers(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    trees = facts.beneath("var/log/apt", "var/log/installer", "var/log/anaconda", "var/log/journal", "var/log/zypp")
    dnf = facts.names_where(lambda name: name.startswith(("dnf", "apk")), among=facts.suffixed("log"))
    return trees | dnf | facts.named(*_LOG_FILES, *_LOG_FILES_MORE)
