"""What a rewriting did, as entries of the ledger, in the order of the image's entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.slim.ledger import Done, LedgerEntry
from slimml.slim.names import link_texts
from slimml.slim.plan import Verb

if TYPE_CHECKING:
    from slimml.slim.changes import Pass

_DONE = {
    Verb.DROP: Done.DROPPED,
    Verb.MOVE: Done.DROPPED,
    Verb.LINK: Done.LINKED,
    Verb.EDIT: Done.EDITED,
    Verb.REPLACE: Done.REPLACED,
}
_BATCH = 10_000
_COLUMNS = ("size", "mode", "uid", "gid", "mtime")


def ledger_entries(work: Pass) -> Iterator[LedgerEntry]:
    """An entry for each row that went, became a hard link, was edited or got another content, as all names of a file
    do; a hard link's new target is not told.
    """
    verb = work.plan.verb
    rows = np.flatnonzero(np.isin(verb, [int(it) for it in _DONE]))
    edited = np.isin(rows, np.array(sorted(work.after), dtype=np.int64))
    rows = rows[(verb[rows] != Verb.EDIT) | edited]
    names = [row for several in work.names.values() for row in several]
    rows = np.union1d(rows, np.array(names, dtype=np.int64))
    for start in range(0, len(rows), _BATCH):
        yield from _batch(work, rows[start : start + _BATCH])


def _batch(work: Pass, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[LedgerEntry]:
    inventory, plan = work.inventory, work.plan
    kinds = inventory.column("kind")[rows].tolist()
    layers = inventory.layer[rows].tolist()
    live = (inventory.state[rows] == State.LIVE).tolist()
    numbers = list(zip(*(inventory.column(name)[rows].tolist() for name in _COLUMNS), strict=True))
    links = link_texts(inventory, rows)
    naming = {row for several in work.names.values() for row in several}
    for index, row in enumerate(rows.tolist()):
        holder = work.holder.get(row, row)
        named = row in naming
        why = plan.reason_of(holder if named else row)
        done = Done.REPLACED if named else _DONE[Verb(int(plan.verb[row]))]
        after = work.after.get(holder if named else row)
        size, mode, uid, gid, mtime = numbers[index]
        yield LedgerEntry(
            layer=layers[index],
            path=inventory.paths[row],
            kind=Kind(kinds[index]).name.lower(),
            size=size,
            mode=mode,
            uid=uid,
            gid=gid,
            mtime=mtime,
            link=inventory.paths[int(plan.target[row])] if done is Done.LINKED else links[index],
            live=live[index],
            done=done,
            rule=why.rule,
            risk=why.risk.value,
            reason=why.told,
            sha256=work.digest(row),
            after=after[0] if after else None,
            after_size=after[1] if after else None,
        )
