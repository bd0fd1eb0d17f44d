"""What is tried instead of a smaller model that a probe refused: the tiers below, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.bloat.rules import MODELS
from slimml.slim.replacing.models import COMPACT, LOSSLESS, QUANTIZE, model_shrinkers

if TYPE_CHECKING:
    from slimml.inventory.read_rows import Read
    from slimml.inventory.table import Inventory
    from slimml.slim.replacing.offer import Offer
    from slimml.slim.replacing.replace import Offers
    from slimml.slim.replacing.shrinker import Shrinker

_TIERS = (QUANTIZE, COMPACT, LOSSLESS)


class GentlerModels:
    """Offers for models whose smaller form was refused: called with what was refused, by row; each tier once.

    `tier` is what was asked for at first, `make` shrinks what it is given shrinkers for (`make_offers`).
    """

    def __init__(
        self, inventory: Inventory, tier: str, read: Read, make: Callable[[Sequence[Shrinker]], Offers]
    ) -> None:
        self._inventory, self._first, self._read, self._make = inventory, tier, read, make
        self._tried: dict[int, int] = {}

    def __call__(self, refused: Mapping[int, Offer]) -> dict[int, Offer]:
        """Other contents for as many of these rows as have one. Raises what reading layers raises."""
        found: dict[int, Offer] = {}
        first = _TIERS.index(self._first)
        for place in range(first + 1, len(_TIERS)):
            rows = {
                row
                for row, offer in refused.items()
                if offer.why.rule == MODELS and row not in found and self._tried.get(row, first) < place
            }
            for row, offer in self._offered(_TIERS[place], rows).items():
                if offer.content.sha256 != refused[row].content.sha256:
                    found[row] = offer
            self._tried |= dict.fromkeys(rows, place)
        return found

    def _offered(self, tier: str, rows: set[int]) -> Mapping[int, Offer]:
        if not rows:
            return {}
        all_of_them = model_shrinkers(self._inventory, tier, self._read)
        chosen = [replace(one, rows=tuple(row for row in one.rows if row in rows)) for one in all_of_them]
        return self._make([one for one in chosen if one.rows]).taken
