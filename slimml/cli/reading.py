"""Opening an image and taking its inventory, as every command that looks into images does."""

from pathlib import Path
from typing import TYPE_CHECKING

from slimml.cli.session import Session
from slimml.errors import InvalidDockerfile, NotFound, UsageError

if TYPE_CHECKING:
    from slimml.dockerfile.document import Document
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image


def open_named(words: str, session: Session) -> "Image":
    """The image that a user named; raises what parse_reference and open_image raise."""
    from slimml.oci.reference import parse_reference
    from slimml.oci.transfer import open_image

    return open_image(parse_reference(words), session.access)


def inventory_of(image: "Image", session: Session) -> "Inventory":
    """The image's file table; layers that were read before come from the cache."""
    from slimml.inventory.cache import default_cache
    from slimml.inventory.take import take_inventory

    return take_inventory(
        image,
        limits=session.access.limits,
        cache=default_cache(),
        progress=session.progress,
        meanwhile=_import_the_rest,
    )


def read_dockerfile(path: Path) -> "Document":
    """The Dockerfile at `path`; raises NotFound, and UsageError with the file and the line that no builder takes."""
    from slimml.dockerfile.document import parse

    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise NotFound(f"{path}: {error.strerror}") from None
    except InvalidDockerfile as error:
        raise UsageError(f"{path}: {error}") from None


def _import_the_rest() -> None:
    """What every command needs that has an inventory."""
    import slimml.bloat.detect
    import slimml.report.build_analysis  # noqa: F401
