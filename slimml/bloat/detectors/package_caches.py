"""What system package managers leave behind: lists, archives, indexes. They are fetched again when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory


def package_caches(inventory: Inventory) -> Iterator[Proposal]:
    """Caches of apt, dnf, yum, zypper, apk and pacman, and older copies that dpkg and debconf keep."""
    facts = path_facts(inventory)
    # apt wants these two to exist, and they weigh nothing.
    kept_by_apt = facts.named("partial", "lock")

    def drop(rule: str, title: str, rows: Mask, fix: str, reason: str) -> Proposal:
        return Proposal(rule, title, Risk.SAFE, Action.DROP, np.flatnonzero(rows & facts.live), fix, reason)

    yield drop(
        "apt-lists",
        "Package lists of apt",
        facts.beneath("var/lib/apt/lists") & ~kept_by_apt,
        "End the RUN that has apt-get install with && rm -rf /var/lib/apt/lists/*, "
        "or give it --mount=type=cache,target=/var/lib/apt/lists.",
        "apt-get update fetches them again; no other program reads them",
    )
    yield drop(
        "apt-archives",
        "Downloaded packages and indexes of apt",
        facts.beneath("var/cache/apt") & ~kept_by_apt & ~facts.named("archives"),
        "End the RUN that has apt-get install with && apt-get clean && rm -f /var/cache/apt/*.bin.",
        "what was installed is unpacked already; apt makes its indexes again",
    )
    yield drop(
        "rpm-caches",
        "Caches of dnf, yum and zypper",
        facts.beneath("var/cache/dnf", "var/cache/yum", "var/cache/libdnf5", "var/cache/zypp", "var/cache/PackageKit"),
        "End the RUN with && dnf clean all (yum clean all, zypper clean --all).",
        "repository metadata and packages that are installed already; fetched again when needed",
    )
    yield drop(
        "apk-cache",
        "Caches of apk and pacman",
        facts.beneath("var/cache/apk", "etc/apk/cache", "var/cache/pacman/pkg"),
        "Write RUN apk add --no-cache …",
        "repository indexes and packages that are installed already; fetched again when needed",
    )
    yield drop(
        "package-database-backups",
        "Older copies of package databases and loader caches",
        _backups(inventory),
        "End the RUN that has apt-get install with && rm -f /var/cache/debconf/*-old /var/lib/dpkg/*-old "
        "/var/cache/ldconfig/aux-cache.",
        "dpkg, debconf and ldconfig read the current files only",
    )


def _backups(inventory: Inventory) -> Mask:
    facts = path_facts(inventory)
    databases = facts.beneath("var/cache/debconf", "var/lib/dpkg")
    old = facts.names_where(lambda name: name.endswith("-old"), among=databases)
    return facts.content & (old | facts.beneath("var/cache/ldconfig") | facts.beneath("var/cache/man"))
