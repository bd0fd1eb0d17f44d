"""`--lazy`: results stored so that clients may fetch parts of them; its options, and what they ask for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.session import Session
from slimml.errors import UsageError
from slimml.oci.lazy.formats import LazyFormat

if TYPE_CHECKING:
    from slimml.cli.optimizing import Subject
    from slimml.oci.blobs import BlobStore
    from slimml.oci.image import Image
    from slimml.slim.options import Options

LazyChoice = Annotated[
    LazyFormat | None,
    typer.Option(
        "--lazy",
        help="Store layers so that clients may fetch parts of them; other clients read them as gzip or zstd.",
        show_default=False,
    ),
]
OrderFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--recording",
        metavar="FILE",
        help="With --lazy estargz: what this recording (slimml record) used comes first; repeatable.",
        show_default=False,
    ),
]
LazyCompression = Annotated[
    str | None,
    typer.Option(
        "--compression", metavar="KIND:LEVEL", help="With --lazy: how strongly to compress.", show_default=False
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="IMAGE",
        help="With --lazy: the layers that it begins with as well stay as they are.",
        show_default=False,
    ),
]


def level_of(lazy: LazyFormat, compression: str | None) -> int | None:
    """The level that `--compression` asks for beside `--lazy`; raises UsageError for another compression."""
    from slimml.oci.codec import parse_encoding

    if compression is None:
        return None
    encoding = parse_encoding(compression)
    if encoding.compression is not lazy.compression:
        raise UsageError(
            f"--lazy {lazy.value} is made of {lazy.compression.value}, not of {encoding.compression.value}: "
            f"say --compression {lazy.compression.value}:LEVEL, or leave it out"
        )
    return encoding.level if ":" in compression else None


def with_lazy(
    chosen: "Options", lazy: LazyFormat | None, compression: str | None, subjects: "Sequence[Subject]"
) -> "Options":
    """What `optimize` is asked for, with the format of its layers; of one image a recording tells the order of files.

    `compression` are the words of the command line. Raises UsageError for what contradicts it.
    """
    from slimml.slim.lazily import Lazy, check_place

    if lazy is None:
        return chosen
    for subject in subjects:
        check_place(subject.destination)
    if chosen.accepts is not None and lazy.compression not in chosen.accepts:
        raise UsageError(f"--lazy {lazy.value} is made of {lazy.compression.value}, which --compat excludes")
    level = level_of(lazy, compression)
    if compression is None and chosen.encoding is not None and chosen.encoding.compression is lazy.compression:
        level = chosen.encoding.level
    # Of several images, layers that they have in common stay so only if all have the same order.
    uses = [subject.use for subject in subjects if subject.use and len(subjects) == 1]
    return replace(chosen, encoding=None, lazy=Lazy(lazy, level, tuple(use.recording for use in uses)))


def stored_lazily(
    session: Session,
    image: "Image",
    store: "BlobStore",
    lazy: LazyFormat,
    recordings: list[Path] | None,
    compression: str | None,
    base: str | None,
) -> "Image":
    """`image` with its layers encoded anew, which lie in `store`.

    Raises UsageError, Refused for a recording of another image, and what opening and encoding raise.
    """
    from slimml.cli.reading import inventory_of, open_named
    from slimml.oci.lazy.encode import Wish, lazy_image
    from slimml.slim.lazily import order_from

    order = {}
    if recordings and lazy is not LazyFormat.ESTARGZ:
        raise UsageError("--recording is for --lazy estargz; zstd:chunked has no order of files")
    if recordings:
        order = order_from(recordings, inventory_of(image, session), session.access.limits)
    leave = _common(image, open_named(base, session)) if base else 0
    wish = Wish(lazy, level_of(lazy, compression), session.settings.optimize.threads, order, leave)
    made = lazy_image(image, wish, store, limits=session.access.limits, progress=session.progress)
    for remark in made.remarks:
        session.remark(remark)
    return made.image


def _common(image: "Image", base: "Image") -> int:
    """How many layers both begin with; raises UsageError for none."""
    count = 0
    for ours, theirs in zip(image.layers, base.layers, strict=False):
        if ours.diff_id != theirs.diff_id:
            break
        count += 1
    if not count:
        raise UsageError(f"--base {base.reference}: {image.reference} does not begin with any of its layers")
    return count
