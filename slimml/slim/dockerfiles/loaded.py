"""The packages whose libraries the new image's own files ask for and do not find, though the original has them.

What an ELF file needs only the loader of its image can resolve: it is asked there (ldd), without a network. Which
package of the original has a library dpkg says. Images without ldd or dpkg say nothing, and nothing is known then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.slim.dockerfiles.programs import Builder

_MISSING = (
    r"find / -xdev \( -path /proc -o -path /sys -o -path /usr/lib -o -path /lib \) -prune -o -type f "
    r"""\( -name '*.so' -o -name '*.so.*' \) -print | while read -r file; do ldd "$file" 2>/dev/null; done """
    r"| grep 'not found' | awk '{print $1}' | sort -u"
)
_SONAME = re.compile(r"[\w.+-]+\.so[\w.+-]*")
_OWNER = re.compile(r"([a-z0-9][a-z0-9.+-]+)(?::\w+)?: (/\S+)")


def lacking_packages(builder: Builder, original: str, new: str) -> frozenset[str]:
    """Names of packages of `original` whose libraries `new` lacks; empty where nothing can be told."""
    missing = [name for name in builder.output(new, _MISSING).split() if _SONAME.fullmatch(name)]
    if not missing:
        return frozenset()
    said = builder.output(original, f"dpkg -S {' '.join(f'*/{name}' for name in missing)} 2>/dev/null")
    return frozenset(_owners(said.splitlines(), missing))


def _owners(lines: Iterable[str], missing: list[str]) -> set[str]:
    found = (_OWNER.fullmatch(line.strip()) for line in lines)
    return {one[1] for one in found if one and one[2].rpartition("/")[2] in missing}
