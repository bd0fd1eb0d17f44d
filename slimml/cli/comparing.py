"""Two images' inventories, taken so that their files can be held together."""

from typing import TYPE_CHECKING

from slimml.cli.session import Session

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory


def inventories_of(before: str, after: str, session: Session) -> "tuple[Inventory, Inventory]":
    """The file tables of two images that a user named.

    Of an engine's image the cache may hold layers whose contents were read while the other one's are known by the
    engine's checksums. Then both are taken as the engine lists them, so that all files can be compared.
    """
    from slimml.cli.reading import inventory_of, open_named
    from slimml.gates.diff_paths import cannot_compare
    from slimml.inventory.cache import LayerCache
    from slimml.inventory.kept_files import default_directory
    from slimml.inventory.table import LayerInventory
    from slimml.inventory.take import take_inventory
    from slimml.oci.digest import Digest

    class Listed(LayerCache):
        """Layers as an engine listed them, and no others."""

        def get(self, digest: Digest, *, listed: bool = False) -> LayerInventory | None:
            return super().get(digest, listed=True)

    one, other = (inventory_of(open_named(words, session), session) for words in (before, after))
    if one.image.listing is None or other.image.listing is None or not cannot_compare(one, other):
        return one, other
    cache, limits, progress = Listed(default_directory()), session.access.limits, session.progress
    one, other = (
        take_inventory(inventory.image, limits=limits, cache=cache, progress=progress) for inventory in (one, other)
    )
    return one, other
