"""Model files cut off, overwritten and lying: read, unread with a reason, or no model; soon, and in little memory.

SLIMML_MUTATIONS says how many of each file (default 25).
"""

import os
import random
import time
from pathlib import Path

import pytest
from mutations import damaged_bytes

from slimml.models.content import Content
from slimml.models.recognise import HEAD_BYTES, needed_bytes, recognise

FILES = Path(__file__).parent / "files"
NAMES = sorted(path.name for path in FILES.iterdir() if path.suffix != ".py" and path.name != "external.bin")
TIMES = int(os.environ.get("SLIMML_MUTATIONS", "25"))
NUMBERS = [b"\xff" * 8, bytes(8), b"\x7f" + b"\xff" * 7, b"\xff" * 7 + b"\x7f", (1 << 40).to_bytes(8, "little")]


def damaged(data, chance):
    """`data` cut off, with bytes or numbers replaced, or with stretches of itself elsewhere."""
    found = bytearray(data)
    match chance.randrange(4):
        case 0:
            return data[: chance.randrange(len(data))]
        case 1:
            for _ in range(chance.choice([1, 1, 2, 8])):
                found[chance.randrange(min(len(found), chance.choice([64, 512, 1 << 20])))] = chance.randrange(256)
        case 2:
            at, width = chance.randrange(max(1, len(found) - 8)), chance.choice([1, 2, 4, 8])
            found[at : at + width] = chance.choice(NUMBERS)[:width]
        case _:
            return damaged_bytes(data, chance, chance.choice([1, 3]))
    return bytes(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_read_or_said_to_be_unread(name):
    data, chance = (FILES / name).read_bytes(), random.Random(name)
    slowest = 0.0
    for _ in range(TIMES):
        broken = damaged(data, chance)
        begun = time.process_time()
        needed_bytes(broken[:HEAD_BYTES], len(broken), name)
        model = recognise(Content.of_bytes(broken), name)
        slowest = max(slowest, time.process_time() - begun)
        assert model is None or "\n" not in model.unread
    assert slowest < 2
