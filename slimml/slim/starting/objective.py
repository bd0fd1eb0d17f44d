"""What an image is optimized for, and whether bytecode is worth a try for that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from slimml.slim.starting.missing import mostly_uncompiled

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.slim.starting.missing import Uncompiled


class Objective(StrEnum):
    """What counts where one gain costs another. BALANCE is the default."""

    BALANCE = "balance"
    """small first; what starts sooner is added where the image was made without bytecode, and stays below its size"""
    SIZE = "size"
    """the fewest bytes: nothing is added"""
    PULL = "pull"
    """the fewest bytes over the network: nothing is added, as for SIZE; how layers are laid out is asked for apart"""
    START = "start"
    """the first answer soonest: what starts sooner is added, whatever it weighs"""


@dataclass(frozen=True)
class Wish:
    """What was asked for; `compile` None leaves it to the objective."""

    objective: Objective = Objective.BALANCE
    compile: bool | None = None

    @property
    def tries(self) -> bool:
        """Whether bytecode may be added at all."""
        if self.compile is not None:
            return self.compile
        return self.objective in (Objective.BALANCE, Objective.START)

    @property
    def insists(self) -> bool:
        """Whether being unable to is an error, since somebody asked for it."""
        return self.compile is True or (self.compile is None and self.objective is Objective.START)

    def considers(self, inventory: Inventory, found: tuple[Uncompiled, ...]) -> bool:
        """Whether these modules are worth compiling for trial."""
        return self.tries and bool(found) and (self.insists or mostly_uncompiled(inventory, found))

    def accepts(self, original_bytes: int, result_bytes: int) -> bool:
        """Whether a result may be so large."""
        return self.insists or result_bytes <= original_bytes
