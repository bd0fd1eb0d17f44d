"""Documentation, manual pages and translations. Licences stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.environment import environment
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_PLACES = ("doc", "man", "info", "gtk-doc", "doc-base", "lintian", "bug", "help", "linda")
_DPKG_FIX = (
    "Before the first apt-get install: RUN printf 'path-exclude /usr/share/doc/*\\npath-include "
    "/usr/share/doc/*/copyright\\npath-exclude /usr/share/man/*\\npath-exclude /usr/share/info/*\\n' "
    "> /etc/dpkg/dpkg.cfg.d/slim"
)
_LANGUAGE_VARIABLES = ("LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE")
_LANGUAGE_END = re.compile(r"[._@]")


def documentation(inventory: Inventory) -> Iterator[Proposal]:
    """Files that only a person at a terminal reads; for translations, all but English and the image's own language."""
    facts = path_facts(inventory)
    places = [f"{prefix}/share/{place}" for prefix in _prefixes(inventory) for place in _PLACES]
    copyright_files = facts.named("copyright", "changelog.copyright") | facts.named("AUTHORS", "NOTICE", "NOTICE.txt")
    rows = facts.beneath(*places) & ~copyright_files
    yield Proposal(
        "documentation",
        "Documentation, manual and info pages",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(rows & facts.content),
        _DPKG_FIX,
        "only people read them; copyright files stay",
    )
    yield Proposal(
        "translations",
        "Messages of programs in other languages",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(_translations(inventory)),
        "Before the first apt-get install: RUN printf 'path-exclude /usr/share/locale/*\\npath-include "
        "/usr/share/locale/en*\\npath-include /usr/share/locale/locale.alias\\n' > /etc/dpkg/dpkg.cfg.d/locale",
        "programs fall back to English where a translation is missing",
    )


def _prefixes(inventory: Inventory) -> list[str]:
    """`usr`, `usr/local`, and the prefixes of conda."""
    facts = path_facts(inventory)
    conda = (facts.directories[p].rpartition("/")[0] for p in facts.directories_named("conda-meta"))
    return ["usr", "usr/local", *filter(None, conda)]


def _translations(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    variables = environment(inventory)
    spoken = {
        _LANGUAGE_END.split(word)[0] for name in _LANGUAGE_VARIABLES for word in variables.get(name, "").split(":")
    }
    roots = []
    for prefix in _prefixes(inventory):
        root = facts.position(f"{prefix}/share/locale")
        if root is None:
            continue
        depth = facts.directories[root].count("/") + 1
        for position in range(root + 1, int(facts.ends[root])):
            parts = facts.directories[position].split("/")
            language = parts[depth].partition("_")[0].partition("@")[0]
            if len(parts) == depth + 1 and language not in {"en", "C", "POSIX", *spoken}:
                roots.append(position)
    messages = facts.suffixed("mo", "po", "gmo") | facts.beneath_named("LC_MESSAGES")
    return facts.beneath_positions(roots) & messages & facts.content
