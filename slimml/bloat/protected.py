"""Rows that no finding may drop: what the loader, users and TLS need, licences, what a distribution is known by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slimml.bloat.path_facts import path_facts
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_DIRECTORIES = ("etc/ssl", "etc/pki", "etc/ca-certificates", "etc/ld.so.conf.d", "usr/share/ca-certificates")
_ANYWHERE = ("zoneinfo",)
_IN_ETC = frozenset(
    {"passwd", "group", "shadow", "gshadow", "nsswitch.conf", "hosts", "hostname", "resolv.conf", "ld.so.cache"}
    | {"ld.so.conf", "os-release", "localtime", "timezone", "shells", "profile", "services", "protocols"}
)
_LICENCE = re.compile(r"(licen[cs]e|copying|copyright|notice|eula|third.?party.?notices?)s?([._-].*)?$", re.IGNORECASE)
_LOADER = re.compile(r"ld(-linux.*|64|-musl-.*|-\d[\d.]*)\.so(\.\d+)*$")
_STICKY = 0o1000
_PROGRAM_TEXTS = ("py", "pyc", "pyi", "c", "h", "js", "so")


def protected(inventory: Inventory) -> Mask:
    """Live rows that have to stay, whoever proposes them. Shadowed rows are never protected: nobody sees them."""
    kept = path_facts(inventory).beneath()
    for mask in protection(inventory).values():
        kept |= mask
    return kept


def protection(inventory: Inventory) -> dict[str, Mask]:
    """The protected rows by the reason why they have to stay, in words; a row may have several."""
    facts = path_facts(inventory)
    etc = facts.position("etc")
    in_etc = facts.directory == (-1 if etc is None else etc)
    found = {
        "certificates, time zones and the loader's configuration": facts.beneath(*_DIRECTORIES)
        | facts.beneath_named(*_ANYWHERE),
        "the loader that starts every program": facts.names_where(
            lambda name: name.startswith("ld") and _LOADER.match(name)
        ),
        "a licence": facts.names_where(_LICENCE.match, among=~facts.suffixed(*_PROGRAM_TEXTS)),
        "users, names and the system's own settings": facts.named(*_IN_ETC) & in_etc,
        "what a Python distribution is known by": _metadata(inventory),
        "a directory or file with the sticky bit": (inventory.column("mode") & _STICKY) != 0,
        "neither a file, a directory nor a link": facts.kind == Kind.OTHER,
    }
    return {reason: mask & facts.live for reason, mask in found.items()}


def _metadata(inventory: Inventory) -> Mask:
    """Files of .dist-info and .egg-info directories: other distributions read them (importlib.metadata)."""
    facts = path_facts(inventory)
    roots = [
        position
        for site in facts.sites
        for position in range(site, int(facts.ends[site]))
        if facts.directories[position].endswith((".dist-info", ".egg-info"))
    ]
    return facts.beneath_positions(roots)
