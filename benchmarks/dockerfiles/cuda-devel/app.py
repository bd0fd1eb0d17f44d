"""A service whose inner loop is compiled in its image."""

import ctypes
from pathlib import Path

import numpy as np
from flask import Flask, request
from scipy.special import expit

library = ctypes.CDLL(str(Path(__file__).with_name("libscale.so")))
app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, bool]:
    return {"ok": True}


@app.post("/score")
def score() -> dict[str, list[float]]:
    values = np.array(request.get_json()["values"], dtype=np.float64)
    library.scale(values.ctypes.data_as(ctypes.c_void_p), len(values), ctypes.c_double(0.5))
    return {"scores": [round(float(value), 9) for value in expit(values)]}


app.run("0.0.0.0", 9000)
