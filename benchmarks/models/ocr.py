"""PP-OCRv4 of rapidocr: lines of text rendered, recognised, turned upside down, and found on a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from subject import Subject, session, unpacked, write_samples

from slimml.models.candidates.recipe import EVERYTHING_INT8, EXTERNAL, OPTIMISED, REDUCED
from slimml.models.graph import lossless, reading
from slimml.models.model_file import Format

PACKAGE = "rapidocr-onnxruntime==1.4.4"
ASKED = frozenset({EXTERNAL, OPTIMISED, REDUCED, EVERYTHING_INT8})
LINES = 80
FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf", "DejaVuSans-Bold.ttf")
TEXT = (
    "invoice total amount delivery street number order customer payment date reference account balance receipt garden "
    "morning station window market paper silver orange bridge winter letter machine travel kitchen summer button river "
    "Berlin London Madrid Oslo Quebec 2024 1987 31.07 12:45 99.50 4711 USD EUR No. Ltd. A-17 x86 60% #42 (draft) v2.1"
)
WORDS = TEXT.split()


def subjects(work: Path) -> list[Subject]:
    """Recogniser, detector and classifier of direction."""
    place = unpacked(PACKAGE, work) / "rapidocr_onnxruntime" / "models"
    own = work / "ocr"
    own.mkdir(exist_ok=True)
    lines = rendered()
    recogniser = place / "ch_PP-OCRv4_rec_infer.onnx"
    inputs = [{"x": prepared(picture)} for picture, _ in lines]
    sabotaged = own / "scale.onnx"
    sabotage(recogniser, sabotaged)
    pages = [page(number) for number in range(6)]
    turned = [(prepared(picture, 192), 0) for picture, _ in lines[:60]]
    turned += [(prepared(np.rot90(picture, 2), 192), 1) for picture, _ in lines[:60]]
    return [
        Subject(PACKAGE, recogniser, Format.ONNX, f"lines of {LINES} read without a fault",
                lambda path: line_accuracy(session(path), _characters(recogniser), inputs, lines),
                write_samples(own / "lines", inputs), 3, ASKED, {"sabotage: one scale ×4": sabotaged}),
        Subject(PACKAGE, place / "ch_PP-OCRv4_det_infer.onnx", Format.ONNX, "overlap of found and drawn text, 6 pages",
                lambda path: overlap(session(path), pages),
                write_samples(own / "pages", [{"x": picture} for picture, _ in pages])),
        Subject(PACKAGE, place / "ch_ppocr_mobile_v2.0_cls_infer.onnx", Format.ONNX, "direction of 120 lines",
                lambda path: _directions(session(path), turned),
                write_samples(own / "turned", [{"x": picture} for picture, _ in turned])),
    ]  # fmt: skip


def rendered() -> list[tuple[np.ndarray[Any, Any], str]]:
    """Pictures of lines of text in several fonts and sizes, with what they say; the same in every run."""
    noise = np.random.default_rng(7)
    found = []
    for number in range(LINES):
        text = " ".join(noise.choice(WORDS, size=int(noise.integers(2, 5))))
        picture = _drawn(text, FONTS[number % len(FONTS)], int(noise.integers(18, 40)))
        speckles = noise.normal(0, float(noise.uniform(2, 14)), picture.shape)
        found.append((np.clip(picture + speckles, 0, 255).astype(np.uint8), text))
    return found


def _drawn(text: str, font: str, size: int) -> np.ndarray[Any, Any]:
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont

    face = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / font), size)
    left, top, right, bottom = face.getbbox(text)
    picture = Image.new("RGB", (int(right - left) + 12, int(bottom - top) + 10), (250, 248, 245))
    ImageDraw.Draw(picture).text((6 - left, 5 - top), text, fill=(25, 25, 35), font=face)
    return np.asarray(picture)


def prepared(picture: np.ndarray[Any, Any], width: int = 0) -> np.ndarray[Any, Any]:
    """As rapidocr does: 48 pixels high, values from -1 to 1, planes first; `width` pads or squeezes."""
    from PIL import Image

    natural = max(int(picture.shape[1] * 48 / picture.shape[0]), 16)
    wide = min(natural, width) if width else natural
    scaled = np.asarray(Image.fromarray(picture).resize((wide, 48), Image.Resampling.BILINEAR), np.float32)
    values = ((scaled / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
    if width > wide:
        values = np.pad(values, ((0, 0), (0, 0), (0, 0), (0, width - wide)))
    return np.ascontiguousarray(values, np.float32)


def line_accuracy(opened: Any, characters: list[str], inputs: list[Any], lines: list[tuple[Any, str]]) -> float:
    """The share of lines whose decoded text is the line's, letter for letter."""
    right = 0
    for feed, (_, text) in zip(inputs, lines, strict=True):
        steps = opened.run(None, feed)[0][0].argmax(axis=1)
        kept = [step for number, step in enumerate(steps) if step and (not number or steps[number - 1] != step)]
        right += "".join(characters[step] for step in kept if step < len(characters)).strip() == text
    return right / len(lines)


def _characters(path: Path) -> list[str]:
    found = {entry.key: entry.value for entry in onnx.load(path).metadata_props}["character"]
    return ["", *found.splitlines(), " "]


def page(number: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A page with ten lines, and where they lie."""
    canvas = np.full((640, 640, 3), 250, np.uint8)
    where = np.zeros((640, 640), bool)
    noise = np.random.default_rng(100 + number)
    for line in range(10):
        picture, _ = rendered_lines()[int(noise.integers(LINES))]
        picture = picture[:50, :560]
        top, left = 12 + line * 62, int(noise.integers(10, 60))
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        # What the detector is trained to mark: the line less a quarter of its height on each side.
        edge = picture.shape[0] // 4
        where[top + edge : top + picture.shape[0] - edge, left + edge : left + picture.shape[1] - edge] = True
    values = (canvas.astype(np.float32) / 255 - 0.5) / 0.5
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None]), where


_lines: list[tuple[np.ndarray[Any, Any], str]] = []


def rendered_lines() -> list[tuple[np.ndarray[Any, Any], str]]:
    """`rendered`, drawn once."""
    if not _lines:
        _lines.extend(rendered())
    return _lines


def overlap(opened: Any, pages: list[tuple[Any, Any]]) -> float:
    """Intersection over union of what is found (probability above 0.3) and what was drawn, over all pages."""
    both = either = 0
    for picture, where in pages:
        found = opened.run(None, {"x": picture})[0][0, 0] > 0.3
        both += int((found & where).sum())
        either += int((found | where).sum())
    return both / either


def _directions(opened: Any, turned: list[tuple[Any, int]]) -> float:
    right = [int(opened.run(None, {"x": picture})[0][0].argmax() == direction) for picture, direction in turned]
    return sum(right) / len(right)


def sabotage(source: Path, target: Path) -> None:
    """One layer in the middle with a scale four times too large, as a mistaken quantizer writes it."""
    model = reading.load(source)
    lossless.tidy(model)
    layers = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 4 and np.prod(tensor.dims) > 20_000]
    middle = layers[len(layers) // 2]
    middle.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(middle) * np.float32(4), middle.name))
    reading.save(model, target)
