"""The side of `optimize` that lays images out: its options, the images they name, and for whom layers are stored."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.option_groups import with_group
from slimml.cli.session import Session
from slimml.errors import NotFound, UsageError
from slimml.slim.layout.compat import Compat, Effort

if TYPE_CHECKING:
    from slimml.oci.codec import Encoding
    from slimml.oci.image import Image
    from slimml.slim.options import Options

Relayer = Annotated[
    bool,
    typer.Option(
        "--relayer", help="Put what lies above the shared base into balanced layers, what changes least first."
    ),
]
PreviousImage = Annotated[
    str | None,
    typer.Option(
        "--previous",
        metavar="IMAGE",
        help="With --relayer: what nodes have already. What did not change stays in the same layers.",
        show_default=False,
    ),
]
BaseImage = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="IMAGE",
        help="With --relayer: the image that this one is built on, whose layers stay; else told from the history.",
        show_default=False,
    ),
]
NoRemove = Annotated[
    bool, typer.Option("--no-remove", help="Remove nothing: only lay out, or store for another client.")
]
ForClient = Annotated[
    Compat | None,
    typer.Option("--compat", help="The oldest client that pulls: decides the compression.", show_default=False),
]
CompressionEffort = Annotated[
    Effort | None,
    typer.Option(
        "--compression-level", help="How much time compressing may take: default unless set.", show_default=False
    ),
]


@dataclass(frozen=True)
class Laying:
    """What the command line says of layers."""

    relayer: bool
    previous: str | None
    base: str | None
    no_remove: bool
    compat: Compat | None
    effort: Effort | None


_OPTIONS = {
    "relayer": (Relayer, False),
    "previous": (PreviousImage, None),
    "base": (BaseImage, None),
    "no_remove": (NoRemove, False),
    "compat": (ForClient, None),
    "compression_level": (CompressionEffort, None),
}
with_layers = with_group("layers", _OPTIONS, Laying)
"""Gives a command the options of this module, and passes what they say as its argument `layers`, a Laying"""


def with_layout(options: "Options", said: Laying, session: Session, *, shared: bool) -> "Options":
    """The options with what is said of layers. A previous image that is not there is a remark, as in a first build.

    Raises UsageError for what contradicts itself, and what opening images raises.
    """
    _check(options, said, shared=shared)
    if said.no_remove:
        options = replace(options, only=frozenset({_ALONE}), weights_layer=False)
    if said.compat or said.effort:
        options = _stored_for(options, said)
    if said.relayer:
        from slimml.slim.layout.asked import Layout

        base = _opened(said.base, session) if said.base else None
        options = replace(options, layout=Layout(base, _previous(said.previous, session)))
    return options


_ALONE = "relayer"
"""stands for no rule that removes anything"""


def _check(options: "Options", said: Laying, *, shared: bool) -> None:
    for option, words in (("--previous", said.previous), ("--base", said.base)):
        if words and not said.relayer:
            raise UsageError(f"{option} is about where files are laid: say --relayer, too")
    others = (("--flatten", options.flatten), ("--shared", shared), ("--weights-layer", options.weights_layer))
    for option, given in others:
        if said.relayer and given:
            raise UsageError(f"--relayer decides on the layers, and so does {option}: leave one of them out")
    if said.no_remove and not (said.relayer or said.compat or options.encoding or options.flatten):
        raise UsageError("--no-remove leaves nothing to do: say --relayer, --compat, --compression or --flatten, too")
    if said.no_remove and (options.only or options.depth):
        raise UsageError("--no-remove removes nothing: leave out --only, --recording and --record")


def _stored_for(options: "Options", said: Laying) -> "Options":
    """The options with an encoding that the client takes; raises UsageError for one that it does not."""
    from slimml.oci.media_types import Compression
    from slimml.slim.layout.compat import encoding_for

    asked: Encoding | None = options.encoding
    if said.compat and asked and asked.compression not in said.compat.accepts:
        raise UsageError(f"--compat {said.compat.value}: that client does not unpack {asked.compression.value}")
    if said.effort and not said.compat and (asked is None or asked.compression is Compression.NONE):
        raise UsageError("--compression-level is how hard to compress: say for whom (--compat), or how (--compression)")
    if asked is None or said.effort:
        best = said.compat.best if said.compat else Compression.GZIP
        kind = asked.compression if asked else best
        asked = encoding_for(kind, said.effort or Effort.DEFAULT, options.threads)
    return replace(options, encoding=asked, accepts=said.compat.accepts if said.compat else options.accepts)


def _opened(words: str, session: Session) -> "Image":
    from slimml.cli.reading import open_named

    return open_named(words, session)


def _previous(words: str | None, session: Session) -> "Image | None":
    if words is None:
        return None
    try:
        return _opened(words, session)
    except NotFound as error:
        session.remark(f"--previous: {error}; the layers are laid out as for a first build")
        return None
