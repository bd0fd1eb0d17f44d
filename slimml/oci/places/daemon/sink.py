"""Write an image into an engine: `load`, then a look at whether the engine has what was meant.

An engine unpacks the archive before it names the image, so the name points to the whole image or where it did before.
"""

from slimml.errors import InvalidImage, NotFound, SlimmlError, Unavailable, UsageError
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.digest import Digest
from slimml.oci.image import Image
from slimml.oci.places.daemon.api.ask import Engine, Inspected, inspect
from slimml.oci.places.daemon.load_archive import archive, packed
from slimml.oci.places.daemon.source import open_engine
from slimml.oci.reference import Name, Reference
from slimml.oci.transfer import Access, Receipt
from slimml.progress import SILENT, Progress

# Docker's own graph drivers, of which it does not want layers that it has. Podman and containerd want all of them.
_INCREMENTAL = frozenset({"overlay2", "fuse-overlayfs", "btrfs", "zfs"})
_BY_CONFIG = frozenset({"overlay", "vfs"})
_LOOKED_AT = 100
"""images of the engine, newest first, whose layers are compared"""


def write_image(
    image: Image, reference: Reference, access: Access | None = None, progress: Progress = SILENT
) -> Receipt:
    """Load `image` into the first engine that answers, as `reference`; a name in use is given to the new image.

    Layers at the bottom that a Docker engine has already are not sent; they are the receipt's reused bytes as far as
    their sizes are known. Raises UsageError for a reference without a name, Unavailable, AccessDenied, InvalidImage,
    LimitExceeded, and SlimmlError with the engine's words.
    """
    access = access or Access()
    return load_image(open_engine(access), image, reference, access, progress)


def load_image(engine: Engine, image: Image, reference: Reference, access: Access, progress: Progress) -> Receipt:
    """Load `image` into this very engine; the receipt's digest is the ID that it has there. See `write_image`."""
    if reference.name is None or reference.name.digest is not None:
        raise UsageError(f"{reference}: an image is written to an engine under a name; use docker-daemon:NAME[:TAG]")
    name = Name(reference.name.registry, reference.name.repository, reference.name.tag)
    held = _held_layers(engine, image)
    try:
        return _load(image, name, reference, engine, held, access, progress)
    except (Unavailable, UsageError, InvalidImage):
        raise
    except SlimmlError:
        if not held:
            raise
        # What was held a moment ago may have been removed since.
        return _load(image, name, reference, engine, 0, access, progress)


def _load(
    image: Image, name: Name, reference: Reference, engine: Engine, held: int, access: Access, progress: Progress
) -> Receipt:
    parcel = packed(image, name, held, access.limits)
    with progress.task(f"loading into {engine.address}", parcel.layer_bytes) as task:
        engine.load(archive(parcel, access.limits, task.advance))
    digest = _check(image, inspect(engine, name.familiar), name, engine)
    reused = [layer.descriptor.size for layer in image.layers[:held] if layer.descriptor.size != UNKNOWN_SIZE]
    return Receipt(reference, digest, parcel.layer_bytes + len(image.config.raw), sum(reused))


def _held_layers(engine: Engine, image: Image) -> int:
    """How many of the image's lowest layers the engine has, and need not be sent."""
    held = 0
    for image_id in engine.images()[:_LOOKED_AT]:
        try:
            other = inspect(engine, image_id)
        except NotFound:
            continue
        if other.driver not in _INCREMENTAL:
            return 0
        same = 0
        for layer, diff_id in zip(image.layers, other.diff_ids, strict=False):
            if layer.diff_id != diff_id:
                break
            same += 1
        held = max(held, same)
    return held


def _check(image: Image, found: Inspected, name: Name, engine: Engine) -> Digest:
    """The ID of what is there now; raises SlimmlError when it is not `image`."""
    # With containerd's store the ID is that of a manifest which the engine made itself.
    by_manifest = found.driver not in _INCREMENTAL | _BY_CONFIG
    diff_ids = tuple(layer.diff_id for layer in image.layers)
    if found.diff_ids == diff_ids and (by_manifest or found.id == image.config.digest):
        return found.id
    raise SlimmlError(
        f"{engine.address} has {name.familiar} as {found.id}, not as the {image.config.digest} that was loaded; "
        "somebody else may have taken the name meanwhile: run again"
    )
