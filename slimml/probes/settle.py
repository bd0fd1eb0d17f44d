"""Keeping of a guess what holds: asked twice of the image itself, what fails or is never the same twice is dropped."""

from __future__ import annotations

import json
from dataclasses import replace

from slimml.engine.container import Engine, Prepared
from slimml.probes.answer import Answer, Asked
from slimml.probes.ask import ask
from slimml.probes.guess import IMPORTS, Guess, imports_probe
from slimml.probes.probe import CommandProbe, HttpProbe
from slimml.probes.runs import run_alone
from slimml.progress import SILENT, Progress

_TRYING = """\
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        print("slimml:", name, type(error).__name__)
"""


def settle(
    engine: Engine, prepared: Prepared, found: Guess, *, twice: bool = True, progress: Progress = SILENT
) -> Guess:
    """The guess, passed (`twice`) by the image that it is about; `remarks` say what was dropped, and why.

    Raises Unavailable, AccessDenied, Unsupported when the engine itself cannot do it.
    """
    found = _importable(engine, prepared, found)
    first = ask(engine, prepared, found.suite, progress)
    if first.failure is not None:
        return _without_service(found, first.failure)
    reasons = {answer.probe: why for answer in first.answers if (why := _trouble(answer))}
    found = found.without(reasons)
    if not twice:
        return found
    second = ask(engine, prepared, found.suite, progress)
    return _varying(found, first, second)


def _varying(found: Guess, first: Asked, second: Asked) -> Guess:
    before = {answer.probe: answer for answer in first.answers}
    reasons, notes = {}, dict(found.notes)
    for answer in second.answers:
        earlier = before[answer.probe]
        if why := _trouble(answer):
            reasons[answer.probe] = f"the second time: {why}"
        elif (answer.code, answer.body) == (earlier.code, earlier.body) and answer.files == earlier.files:
            continue
        elif answer.code == earlier.code and _alike(answer.body, earlier.body):
            notes.setdefault(answer.probe, "varies from run to run; slimml learns which parts do")
        else:
            reasons[answer.probe] = "answers are not the same twice"
    return replace(found, notes=notes).without(reasons)


def _trouble(answer: Answer) -> str:
    said = answer.errors.decode("utf-8", "replace").strip().splitlines()[-1:]
    return "; ".join(part for part in (answer.failure, *answer.complaints, *said) if part) if not answer.good else ""


def _alike(one: bytes, other: bytes) -> bool:
    """Two JSON objects or lists, or texts of as many lines: something in them varies, not everything."""
    try:
        first, second = json.loads(one), json.loads(other)
    except (ValueError, RecursionError):
        return _is_text(one) and _is_text(other) and one.count(b"\n") == other.count(b"\n") > 0
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys()
    return isinstance(first, list) and isinstance(second, list) and len(first) == len(second)


def _is_text(body: bytes) -> bool:
    """No picture or archive: those have line ends by chance."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body


def _without_service(found: Guess, failure: str) -> Guess:
    """What does not need the service, which never was ready."""
    asked = [one for one in found.suite.probes if isinstance(one, HttpProbe)]
    alone = tuple(
        replace(one, alone=True) if isinstance(one, CommandProbe) else one
        for one in found.suite.probes
        if not isinstance(one, HttpProbe)
    )
    suite = replace(found.suite, probes=alone, ready=None)
    dropped = tuple(f"{one.name}: {failure}" for one in asked)
    return replace(found, suite=suite, remarks=(*found.remarks, *(dropped or (failure,))))


def _importable(engine: Engine, prepared: Prepared, found: Guess) -> Guess:
    """The guess with those imports alone that succeed one by one: sources import what is not there, in case it is."""
    for probe in found.suite.probes:
        if probe.name == IMPORTS and isinstance(probe, CommandProbe):
            break
    else:
        return found
    python, modules = probe.argv[0], tuple(probe.argv[2].removeprefix("import ").split(", "))
    trying = CommandProbe("trying", (python, "-c", _TRYING, *modules), alone=True, timeout=600)
    answer = run_alone(engine, prepared, found.suite, trying)
    if answer.code != 0:
        return found.without({IMPORTS: _trouble(answer) or f"Python ended with code {answer.code}"})
    lines = answer.body.decode("utf-8", "replace").splitlines()
    failed = dict(line.split(" ")[1:3] for line in lines if line.startswith("slimml: ") and line.count(" ") == 2)
    kept = tuple(name for name in modules if name not in failed)
    remarks = tuple(f"import {name}: {error} in the image itself" for name, error in failed.items())
    found = replace(found, remarks=(*found.remarks, *remarks))
    if not kept:
        return found.without({IMPORTS: "none of them succeeds"})
    better = imports_probe(python, kept, alone=probe.alone)
    probes = tuple(better if one.name == IMPORTS else one for one in found.suite.probes)
    return replace(found, suite=replace(found.suite, probes=probes))
