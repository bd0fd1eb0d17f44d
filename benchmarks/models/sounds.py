"""Silero's voice detector and Spotify's Basic Pitch, checked on sounds made here: speech-like and not, and chords."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from subject import Subject, session, unpacked, write_samples

from slimml.models.model_file import Format

SILERO = "silero-vad==6.2.3"
PITCH = "basic-pitch==0.4.0"
RATE = 16_000
CHUNK, CONTEXT = 512, 64
CLIPS = 16
PITCH_RATE, PITCH_LENGTH = 22_050, 43_844
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480), (300, 870, 2240))
"""formants in Hz of a, i, o, e, u (Peterson and Barney 1952)"""


def subjects(work: Path) -> list[Subject]:
    """The ONNX files that either package opens with onnxruntime."""
    silero = unpacked(SILERO, work) / "silero_vad" / "data" / "silero_vad.onnx"
    pitch = unpacked(PITCH, work) / "basic_pitch" / "saved_models" / "icassp_2022" / "nmp.onnx"
    voices = [_clip(number) for number in range(CLIPS)]
    chords = [_chord(number) for number in range(12)]
    return [
        Subject(SILERO, silero, Format.ONNX, f"agreement with the truth on {CLIPS} clips, voiced or not",
                lambda path: _voices(session(path), voices),
                write_samples(work / "silero", _steps(session(silero), voices)), 2, frozenset()),
        Subject(PITCH, pitch, Format.ONNX, "F1 of the keys that sound, 12 chords",
                lambda path: _keys(session(path), chords),
                write_samples(work / "pitch", [{PITCH_INPUT: sound} for sound, _ in chords]), 2, frozenset()),
    ]  # fmt: skip


PITCH_INPUT = "serving_default_input_2:0"


def _clip(number: int) -> tuple[np.ndarray[Any, Any], bool]:
    """Two seconds: every other one speech-like (a glottal tone through formants that change by the syllable)."""
    noise = np.random.default_rng(number)
    time = np.arange(2 * RATE) / RATE
    if number % 2:
        kinds = (noise.normal(size=len(time)) * 0.05, np.sin(2 * np.pi * 440 * time) * 0.1, np.zeros(len(time)))
        return kinds[number // 2 % 3].astype(np.float32), False
    pitch = float(noise.uniform(95, 220))
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.12 * np.sin(2 * np.pi * 1.3 * time) - 0.1 * time / 2)) / RATE
    sound = np.zeros(len(time))
    syllables = (time * 4.5).astype(int)
    spoken = noise.integers(len(VOWELS), size=syllables.max() + 1)
    for harmonic in range(1, 28):
        frequency = pitch * harmonic
        heights = [sum(1 / (1 + ((frequency - f) / 90) ** 2) / (n + 1) for n, f in enumerate(v)) for v in VOWELS]
        sound += np.array(heights)[spoken[syllables]] * np.sin(harmonic * phase) / harmonic**0.4
    envelope = np.clip(np.sin(np.pi * (time * 4.5 % 1)) * 1.6, 0, 1)
    hiss = noise.normal(size=len(time)) * np.where(time * 4.5 % 1 < 0.15, 0.12, 0.004)
    sound = sound * envelope * 0.25 / np.abs(sound).max() * 2 + hiss
    return sound.astype(np.float32), True


def _chunks(sound: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), sound])
    return [padded[None, start : start + CONTEXT + CHUNK] for start in range(0, len(sound) - CHUNK + 1, CHUNK)]


def _probabilities(opened: Any, sound: np.ndarray[Any, Any]) -> list[float]:
    state, found = np.zeros((2, 1, 128), np.float32), []
    for chunk in _chunks(sound):
        answer, state = opened.run(None, {"input": chunk, "state": state, "sr": np.array(RATE, np.int64)})
        found.append(float(answer[0, 0]))
    return found


def _voices(opened: Any, clips: list[tuple[Any, bool]]) -> float:
    """The share of chunks, after the first half second, on whose voice the detector and the truth agree."""
    right = [(p > 0.5) == voiced for sound, voiced in clips for p in _probabilities(opened, sound)[16:]]
    return sum(right) / len(right)


def _steps(opened: Any, clips: list[tuple[Any, bool]]) -> list[dict[str, np.ndarray[Any, Any]]]:
    """Single calls in the middle of clips, with the state that the detector had by then."""
    found = []
    for sound, _ in clips:
        state = np.zeros((2, 1, 128), np.float32)
        for number, chunk in enumerate(_chunks(sound)):
            feed = {"input": chunk, "state": state, "sr": np.array(RATE, np.int64)}
            if number % 20 == 19:
                found.append(feed)
            state = opened.run(None, feed)[1]
    return found


def _chord(number: int) -> tuple[np.ndarray[Any, Any], frozenset[int]]:
    """Two seconds of plucked strings, and their keys on a piano (0 is A0)."""
    noise = np.random.default_rng(50 + number)
    keys = frozenset(int(key) for key in noise.choice(np.arange(27, 60), size=1 + number % 3, replace=False))
    time = np.arange(PITCH_LENGTH) / PITCH_RATE
    sound = np.zeros(PITCH_LENGTH)
    for key in keys:
        tone = 27.5 * 2 ** (key / 12)
        sound += sum(np.sin(2 * np.pi * tone * n * time) * np.exp(-time * (0.6 + 0.5 * n)) / n for n in range(1, 9))
    return (sound / np.abs(sound).max() * 0.5).astype(np.float32)[None, :, None], keys


def _keys(opened: Any, chords: list[tuple[Any, frozenset[int]]]) -> float:
    """F1 over all chords of the keys whose posterior is above 0.3 in most of the first second."""
    names = [given.name for given in opened.get_outputs()]
    right = found = wanted = 0
    for sound, keys in chords:
        answers = dict(zip(names, opened.run(None, {PITCH_INPUT: sound}), strict=True))
        notes = answers["StatefulPartitionedCall:1"][0, 6:86]
        heard = set(np.flatnonzero((notes > 0.3).mean(axis=0) > 0.5).tolist())
        right, found, wanted = right + len(heard & keys), found + len(heard), wanted + len(keys)
    return 2 * right / max(found + wanted, 1)
