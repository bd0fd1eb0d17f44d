"""Whose program reads a Dockerfile: `# syntax=` names an image that BuildKit would hand the whole build to."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from slimml.errors import Refused

if TYPE_CHECKING:
    from slimml.dockerfile.document import Document

_DOCKERS_OWN = re.compile(r"(docker\.io/)?docker/dockerfile(-upstream)?(:[\w.-]+)?(@sha256:[0-9a-f]{64})?")


def check_frontend(document: Document, allowed: Collection[str] = ()) -> None:
    """Raise Refused where a Dockerfile asks for a frontend that is neither Docker's own nor among `allowed`.

    [CVE-2024-23651, CVE-2024-23652: a frontend, or mounts that it asks for, can reach out of the build.]
    """
    for directive in document.directives:
        if directive.name == "syntax" and directive.value not in allowed and not _is_dockers(directive.value):
            raise Refused(
                f"line {directive.line}: # syntax={directive.value} is not Docker's own frontend, and would see the "
                f"whole build; if you trust it, say --allow-frontend {directive.value}"
            )


def _is_dockers(name: str) -> bool:
    return _DOCKERS_OWN.fullmatch(name) is not None
