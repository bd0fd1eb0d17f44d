"""Options that several commands share. What is None (or empty) was not given: the settings decide then."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_REFERENCE = (
    "NAME[:TAG|@DIGEST] (engine first, then registry), docker://…, docker-daemon:…, oci:DIR[:TAG], "
    "oci-archive:FILE[:TAG] or docker-archive:FILE[:NAME]"
)
ImageArgument = Annotated[str, typer.Argument(metavar="IMAGE", help=_REFERENCE, show_default=False)]
ImageArguments = Annotated[
    list[str], typer.Argument(metavar="IMAGE…", help=f"{_REFERENCE}; several with --shared", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool | None, typer.Option("--quiet", "-q", help="No progress and no remarks.", show_default=False)]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours (as the variable NO_COLOR).")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")]
LimitOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--limit", metavar="NAME=N", help="Raise or lower a protective limit; repeatable.", show_default=False
    ),
]
PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", metavar="OS/ARCH", help="Which image of an index to take.", show_default=False),
]
Insecure = Annotated[
    bool | None,
    typer.Option("--insecure", help="Allow plain HTTP and unverified TLS to registries.", show_default=False),
]
Engine = Annotated[
    str | None,
    typer.Option("--engine", metavar="URL", help="Address of the engine's API.", show_default=False),
]
NoStore = Annotated[bool, typer.Option("--no-store", help="Do not read the engine's own files; ask its API.")]

Tag = Annotated[
    str | None,
    typer.Option("--tag", "-t", metavar="NEW", help="Name of the new image, where the old one is.", show_default=False),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="TRANSPORT:…", help="Where to put the new image: any reference.", show_default=False
    ),
]
Ledger = Annotated[
    Path | None,
    typer.Option("--ledger", metavar="FILE", help="The list of what was removed.", show_default=False),
]
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a page for browsers as well.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


class Level(StrEnum):
    """How much risk `optimize` takes."""

    SAFE = "safe"
    LIKELY = "likely"
    ALL = "all"
