"""Cutting: nothing lost, nothing twice, nearly the same size, the same for the same pieces."""

from hypothesis import given, settings
from hypothesis import strategies as st

from slimml.slim.layout.classes import Class
from slimml.slim.layout.cut import MOST_LAYERS, Piece, cut

MIB = 1 << 20


@st.composite
def pieces(draw):
    found = []
    for number in range(draw(st.integers(1, 60))):
        kind = draw(st.sampled_from(Class))
        size = draw(st.integers(0, 200_000 if kind is Class.APPLICATION else 40 * MIB))
        owner = draw(st.sampled_from("abc")) if kind is Class.DISTRIBUTIONS else ""
        found.append(Piece(kind, owner, (f"path/{number}",), size))
    return found


@settings(max_examples=50, deadline=None)
@given(pieces=pieces(), most=st.integers(1, MOST_LAYERS))
def test_every_piece_is_in_one_layer(pieces, most):
    shares = cut(pieces, most)
    assert len(shares) <= most
    laid = sorted(piece.paths for share in shares for piece in share.pieces)
    assert laid == sorted(piece.paths for piece in pieces)


@settings(max_examples=30, deadline=None)
@given(pieces=pieces(), seed=st.randoms())
def test_the_order_of_the_pieces_does_not_matter(pieces, seed):
    mixed = list(pieces)
    seed.shuffle(mixed)
    assert cut(mixed) == cut(pieces)


@settings(max_examples=30, deadline=None)
@given(pieces=pieces())
def test_classes_come_in_their_order(pieces):
    kinds = [piece.kind for share in cut(pieces) for piece in share.pieces]
    assert kinds == sorted(kinds)


def test_layers_of_many_small_files_are_balanced():
    many = [Piece(Class.DISTRIBUTIONS, f"d{number % 40}", (f"p{number}",), MIB // 4) for number in range(2000)]
    sizes = [share.size for share in cut(many)]
    assert len(sizes) == MOST_LAYERS - 1
    assert max(sizes) < 1.1 * sum(sizes) / len(sizes)


def test_a_large_owner_is_divided():
    torch = [Piece(Class.DISTRIBUTIONS, "torch", (f"torch/{number:04}",), MIB) for number in range(300)]
    rest = [Piece(Class.DISTRIBUTIONS, "numpy", (f"numpy/{number:04}",), MIB // 10) for number in range(100)]
    sizes = [share.size for share in cut([*torch, *rest])]
    assert max(sizes) < 1.2 * sum(sizes) / len(sizes)


def test_a_small_owner_is_not():
    owners = [Piece(Class.DISTRIBUTIONS, f"d{number // 10:02}", (f"p{number:03}",), MIB // 4) for number in range(1000)]
    holding = [{piece.owner for piece in share.pieces} for share in cut(owners)]
    assert sum(len(owners) for owners in holding) == 100


def test_little_is_not_divided():
    few = [Piece(Class.DISTRIBUTIONS, "d", (f"p{number}",), MIB // 10) for number in range(40)]
    assert [share.title for share in cut(few)] == ["distributions"]


def test_one_class_a_layer_where_that_is_balanced_enough():
    counts = {Class.SYSTEM: 30, Class.DISTRIBUTIONS: 60, Class.DATA: 60}
    found = [Piece(kind, "", (f"{kind}/{number}",), MIB) for kind, count in counts.items() for number in range(count)]
    assert all(len({piece.kind for piece in share.pieces}) == 1 for share in cut(found))


def test_neighbours_share_a_layer_where_one_would_be_much_too_large():
    counts = {Class.SYSTEM: 10, Class.DISTRIBUTIONS: 10, Class.DATA: 100}
    found = [Piece(kind, "", (f"{kind}/{number}",), MIB) for kind, count in counts.items() for number in range(count)]
    sizes = [share.size for share in cut(found)]
    assert max(sizes) < 1.31 * sum(sizes) / len(sizes)
