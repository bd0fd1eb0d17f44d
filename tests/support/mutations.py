"""Damaged documents: JSON with some of its values or bytes replaced, and bytes with some of them replaced."""

import copy
import json

STRANGE = [
    *(None, True, 0, -1, 1 << 70, 10**400, 1.5, float("inf"), "", "\ud800", "../x", "/", "\x1b[2J", "\0", "x" * 5000),
    *([], {}, [[]], {"": {}}, [None], ["x"] * 3, {"a": None}),
]
TOKENS = [b'"', b"{", b"}", b"[", b"]", b"null", b"1e999", b"-", b"\\", b"\0", b"\xff", b"\\ud800", b",", b":", b"NaN"]


def places_in(value):
    """Every (container, key) of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places_in(inner)


def damaged(document, chance):
    """`document` as JSON with some of its values or of its bytes replaced."""
    value = copy.deepcopy(document)
    for _ in range(chance.randint(0, 3)):
        container, key = chance.choice(list(places_in(value)))
        if chance.random() < 0.3:
            del container[key]
        else:
            container[key] = copy.deepcopy(chance.choice(STRANGE))
        if not list(places_in(value)):
            break
    return damaged_bytes(json.dumps(value).encode(), chance, chance.choice([0, 0, 1, 3]))


def damaged_bytes(data, chance, times):
    """`data` with `times` short stretches replaced, by a token, by chance, or by another stretch of it."""
    found = bytearray(data)
    for _ in range(times if data else 0):
        at = chance.randrange(len(found))
        there = chance.randrange(len(found))
        new = chance.choice([chance.choice(TOKENS), chance.randbytes(2), bytes(found[there : there + 40])])
        found[at : at + chance.choice([0, 1, 3, len(new)])] = new
    return bytes(found)
