"""An HTTP service that reads the text of an uploaded picture."""

import cv2
import numpy as np
from flask import Flask, request
from rapidocr_onnxruntime import RapidOCR

app = Flask(__name__)
reader = RapidOCR()


@app.get("/health")
def health() -> dict[str, str]:
    """Whether the models are loaded."""
    return {"status": "ok"}


@app.post("/read")
def read() -> tuple[dict[str, object], int]:
    """The lines of text in the picture of the request's body, from top to bottom."""
    picture = cv2.imdecode(np.frombuffer(request.get_data(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return {"error": "the body is no picture"}, 400
    found, _ = reader(picture)
    lines = [{"text": text, "score": round(float(score), 2)} for _, text, score in found or []]
    return {"height": picture.shape[0], "width": picture.shape[1], "lines": lines}, 200
