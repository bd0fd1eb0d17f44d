"""Which layers are the base: those that a named image has, else what the history tells."""

import pytest
from layered_image import file, image_of

from slimml.slim.layout.shared_base import shared_base


def image_with(*steps):
    """An image with a history of (what, whether it made a layer)."""
    layers = [[file(f"f{number}")] for number, (_, made) in enumerate(steps) if made]
    history = [{"created_by": what, **({} if made else {"empty_layer": True})} for what, made in steps]
    return image_of(*layers, config={"history": history})


DEBIAN = [("ADD file:1 in /", True), ('/bin/sh -c #(nop)  CMD ["bash"]', False)]
PYTHON = [("RUN apt-get", True), ("RUN make", True), ('CMD ["python3"]', False)]
OWN = [("COPY . /srv", True), ("RUN pip install", True), ('CMD ["python3" "-m" "app"]', False)]


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        ([*DEBIAN, *PYTHON, *OWN], 3),
        ([*DEBIAN, *OWN], 1),
        ([("", True), ("RUN a", True), ("RUN b", True)], 1),
        ([*DEBIAN, ("RUN echo CMD-less", True)], 1),
    ],
)
def test_the_last_command_with_layers_after_it_ended_the_base(steps, count):
    image = image_with(*steps)
    assert shared_base(image, None, None, (10,) * len(image.layers)) == count


def test_a_lowest_layer_that_is_most_of_the_image_is_no_base():
    image = image_with(("", True), ("RUN a", True))
    assert shared_base(image, None, None, (90, 10)) == 0


def test_a_single_layer_is_no_base():
    image = image_with(("COPY rootfs /", True))
    assert shared_base(image, None, None, (10,)) == 0


def test_what_the_previous_image_was_laid_out_above_is_the_base_again():
    image = image_with(*DEBIAN, *PYTHON, *OWN)
    labels = {"Labels": {"org.slimml.layout.base": "2"}}
    previous = image_of([file("f0")], [file("f2")], [file("other")], config={"config": labels})
    assert shared_base(image, None, previous, (10,) * 5) == 2


@pytest.mark.parametrize("said", ["3", "99", "x", "-1", "", "9" * 5000])
def test_a_previous_image_that_lies_of_its_base_is_not_believed(said):
    image = image_with(*DEBIAN, *PYTHON, *OWN)
    labels = {"Labels": {"org.slimml.layout.base": said}}
    previous = image_of([file("f0")], [file("f2")], [file("other")], config={"config": labels})
    assert shared_base(image, None, previous, (10,) * 5) == 3
