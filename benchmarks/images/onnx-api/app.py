"""An HTTP API that ranks items with an ONNX model."""

import io

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException, Response
from PIL import Image, ImageDraw
from pydantic import BaseModel

app = FastAPI(title="recommender")
session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])


class Basket(BaseModel):
    """Items to rank."""

    items: list[int]


def scores_of(items: list[int]) -> list[float]:
    """A score for each item, to five digits."""
    if not items or not all(0 <= item < 60_000 for item in items):
        raise HTTPException(422, "items are numbers below 60000")
    (scores,) = session.run(None, {"ids": np.array(items, dtype=np.int64)})
    return [round(float(score), 5) for score in scores]


@app.get("/health")
def health() -> dict[str, str]:
    """Whether the model is loaded."""
    return {"status": "ok"}


@app.post("/rank")
def rank(basket: Basket) -> dict[str, list[int] | list[float]]:
    """The items, best first."""
    scores = scores_of(basket.items)
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    return {"items": [basket.items[place] for place in order], "scores": [scores[place] for place in order]}


@app.get("/chart.png")
def chart(items: str) -> Response:
    """The scores as a bar chart."""
    scores = scores_of([int(item) for item in items.split(",")])
    picture = Image.new("RGB", (16 * len(scores), 100), "white")
    draw = ImageDraw.Draw(picture)
    top = max(map(abs, scores)) or 1.0
    for place, score in enumerate(scores):
        draw.rectangle([16 * place, 100 - int(99 * abs(score) / top), 16 * place + 12, 100], fill="navy")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return Response(buffer.getvalue(), media_type="image/png")
