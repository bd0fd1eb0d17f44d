"""Resemblyzer's checkpoint and a classifier of profanity: what torch and joblib read of them before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from subject import Subject, unpacked

from slimml.models.model_file import Format

RESEMBLYZER = "Resemblyzer==0.1.4"
PROFANITY = "alt-profanity-check==1.9.1"
SENTENCES = (
    ("you are a stupid idiot", 1), ("what a lovely morning", 0), ("shut the hell up you moron", 1),
    ("the meeting starts at nine", 0), ("this damn thing is crap", 1), ("please send me the invoice", 0),
    ("go screw yourself, loser", 1), ("the train was late again", 0), ("you suck and everybody hates you", 1),
    ("thank you for your patience", 0), ("what a pathetic dumb clown", 1), ("water boils at one hundred degrees", 0),
    ("bloody hell, get lost you jerk", 1), ("I planted tomatoes in the garden", 0), ("you disgusting pig", 1),
    ("our library opens on Monday", 0), ("kiss my ass", 1), ("could you help me with this form", 0),
    ("he is a lying bastard", 1), ("the results are in the table below", 0),
)  # fmt: skip


def subjects(work: Path) -> list[Subject]:
    """The checkpoint, the classifier, and its vectorizer."""
    checkpoint = unpacked(RESEMBLYZER, work) / "resemblyzer" / "pretrained.pt"
    data = unpacked(PROFANITY, work) / "profanity_check" / "data"
    return [
        Subject(RESEMBLYZER, checkpoint, Format.TORCH_LEGACY, "all tensors of model_state bit for bit, read by torch",
                lambda path: _same_tensors(checkpoint, path)),
        Subject(PROFANITY, data / "model.joblib", Format.JOBLIB, "20 sentences told right",
                lambda path: _sentences(path, data / "vectorizer.joblib")),
        Subject(PROFANITY, data / "vectorizer.joblib", Format.JOBLIB, "20 sentences told right",
                lambda path: _sentences(data / "model.joblib", path)),
    ]  # fmt: skip


def _same_tensors(before: Path, after: Path) -> float:
    """1 where torch, loading weights only, finds the same names, types, shapes and bits in both."""
    import torch

    old, new = (torch.load(path, map_location="cpu", weights_only=True)["model_state"] for path in (before, after))
    same = list(old) == list(new) and all(
        old[name].dtype == new[name].dtype and torch.equal(old[name], new[name]) for name in old
    )
    return float(same)


def _sentences(model: Path, vectorizer: Path) -> float:
    import joblib

    words: Any = joblib.load(vectorizer)
    classifier: Any = joblib.load(model)
    found = classifier.predict(words.transform([text for text, _ in SENTENCES]))
    return float((found == np.array([label for _, label in SENTENCES])).mean())
