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

    pair = tuple(inventory_of(open_named(words, session), session) for words in (before, after))
    # Where the cache itself holds lists of both kinds, the engine is asked again.
    for cache in (Listed(default_directory()), None):
        if any(one.image.listing is None for one in pair) or not cannot_compare(*pair):
            break
        limits, progress = session.access.limits, session.progress
        pair = tuple(take_inventory(one.image, limits=limits, cache=cache, progress=progress) for one in pair)
    one, other = pair
    return one, other
