"""A previous image that is of no use, or lies, costs nothing but a note: the image is laid out as for a first build."""

import gzip

import pytest
from application_image import application, noise
from layered_image import file, hardlink, image_of, symlink, tar_of
from seen_root import seen

from slimml.oci.codec import Encoding
from slimml.oci.media_types import Compression
from slimml.slim.ledger import read_ledger


def notes_of(slimmed):
    with slimmed.store.open_blob(slimmed.ledger) as stream:
        return read_ledger(stream.read().splitlines(keepends=True)).notes


def damaged(image, content):
    """The image with another blob under the digest of its last layer."""
    last = image.layers[-1]
    last.blobs.content[last.descriptor.digest] = content
    return image


LIAR = gzip.compress(tar_of([file("srv/app.py", b"import evil\n")]), mtime=0)

USELESS = {
    "unrelated": lambda: image_of([file("a", b"a")], [file("b", b"b")]),
    "of another content than its digests say": lambda: damaged(application(), LIAR),
    "cut off": lambda: damaged(application(), b"\x1f\x8b\x08"),
    "a link to nothing": lambda: image_of([file("a")], [hardlink("srv/app.py", "nowhere")]),
    "beneath a link": lambda: image_of([file("a")], [symlink("srv", "/tmp"), file("srv/app.py")]),
}


@pytest.mark.parametrize("kind", USELESS)
def test_the_image_is_laid_out_as_without_it(lay_out, kind):
    result = lay_out(application(), USELESS[kind]())
    assert result.image.config.diff_ids == lay_out(application()).image.config.diff_ids


@pytest.mark.parametrize("kind", USELESS)
def test_the_ledger_says_why(lay_out, kind):
    assert any("the previous image is not used" in note for note in notes_of(lay_out(application(), USELESS[kind]())))


def test_a_blob_that_is_missing_is_a_note(lay_out):
    previous = application()
    del previous.layers[-1].blobs.content[previous.layers[-1].descriptor.digest]
    assert "the previous image is not used" in "".join(notes_of(lay_out(application(), previous)))


def test_what_nobody_laid_out_is_of_use_as_well(lay_out):
    image = application(code=b"print(2)\n")
    result = lay_out(image, application()).image
    assert seen(result) == seen(image)
    assert result.layers[2].descriptor in [layer.descriptor for layer in application().layers]


def test_layers_that_the_client_cannot_unpack_are_stored_anew(lay_out):
    previous = lay_out(application(), encoding=Encoding(Compression.ZSTD, 3)).image
    accepts = frozenset({Compression.GZIP, Compression.NONE})
    result = lay_out(application(), previous, encoding=Encoding(), accepts=accepts).image
    assert {layer.compression for layer in result.layers} == {Compression.GZIP}
    assert result.config.diff_ids == previous.config.diff_ids


def test_layers_that_do_not_fit_on_another_base_are_a_note(lay_out):
    own = [file("lib/x", b"x"), file("srv/large", noise("x", 50_000))]
    previous = image_of([file("etc/a", b"old")], own)
    image = image_of([file("etc/a", b"new"), symlink("lib", "usr/lib"), file("usr/lib/x", b"x")], own[1:])
    result = lay_out(image, previous)
    assert seen(result.image) == seen(image)
    assert "no directory of its layers" in "".join(notes_of(result))
